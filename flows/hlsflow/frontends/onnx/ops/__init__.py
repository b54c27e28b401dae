"""The operators of ONNX and QONNX as nodes: one function for each kind."""
