"""The comparison as one HTML file: its data, its table, its charts."""
