"""The functions of the package for notebooks and scripts: what the commands do, on live models and as values."""
