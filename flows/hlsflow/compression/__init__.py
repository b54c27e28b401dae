"""Methods that make a smaller network: one module a method."""
