"""Vivado's reports, one module a format."""
