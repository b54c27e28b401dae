"""Training as a recipe says: resumable, recorded, and ended whole."""
