"""A queue of syntheses within licences, memory and cores."""
