"""Parts, boards and their resources, as data."""
