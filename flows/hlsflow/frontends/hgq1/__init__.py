"""HGQ 1 (package `HGQ` 0.2): proxy models, which are models of Keras 2 with one more layer, `FixedPointQuantizer`."""
