"""The steps of every build, a module each: what runs in a step is what its module imports, and its key is made of that.

A step's function is called with what it works on; whatever does work among that is imported here in earnest, not for
type checkers alone, so that its source counts.
"""
