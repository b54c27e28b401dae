"""AMD's tools: found, run, watched, resumed, diagnosed."""
