"""The steps of a sweep's point, a module each, as those of a build are: see `hlsflow.building.steps`."""
