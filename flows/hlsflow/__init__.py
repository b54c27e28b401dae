"""From a compressed Keras model to a verified FPGA design and a report a person can decide by."""

__version__ = "0.1.0"
