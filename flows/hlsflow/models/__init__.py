"""Trained models as folders: recipe, architecture, weights."""
