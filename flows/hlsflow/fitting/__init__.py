"""Reuse factors and strategies that fit a device, chosen by an integer program, and why."""
