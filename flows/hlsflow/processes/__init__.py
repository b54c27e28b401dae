"""Other programs: run, watched, limited, and ended with all that they started."""
