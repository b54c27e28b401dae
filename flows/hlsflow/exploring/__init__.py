"""Grids of models, each carried to the same hardware report: `flows/sweep.py SPEC.yaml`."""
