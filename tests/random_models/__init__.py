"""Random Keras models over the allow-list: what is drawn of a seed, the model of it, and its smallest part that fails.

`recipe` is what a model is in words, and the model of it; `drawing` draws one of a seed; `checking` holds the hardware
of one against Keras; `shrinking` makes one smaller for as long as the same thing happens.
"""
