"""HGQ 2 (package `hgq2`, Keras 3): archives `.keras` of its layers, read by hand and rebuilt from a closed table."""
