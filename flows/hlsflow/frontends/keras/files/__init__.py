"""Model files that people made, read by hand: no code of theirs runs, and none of TensorFlow's, until all is known.

`reader.read_model_file` reads what any of them holds; `keras_model.keras_model` makes a live model of it.
"""
