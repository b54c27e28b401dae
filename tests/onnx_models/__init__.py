"""Small models of ONNX and QONNX, made by hand, with what becomes of them."""
