"""Layers whose cycles follow their weights that are not zero: the order of the work is found when the RTL is made."""
