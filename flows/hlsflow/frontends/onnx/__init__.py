"""ONNX and QONNX models as networks, and what onnxruntime and qonnx compute of them."""
