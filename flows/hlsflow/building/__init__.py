"""The main job: plan, steps, gate and stages, from a model to its record."""
