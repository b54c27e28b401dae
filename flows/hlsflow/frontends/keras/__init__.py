"""Keras models, with the layers and quantizers of QKeras, as networks, and what Keras computes of them."""
