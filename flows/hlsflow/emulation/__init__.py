"""The integer network in numpy, one module a family of operations: the second witness."""
