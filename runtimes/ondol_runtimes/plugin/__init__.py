"""Any plugin execution provider of ONNX Runtime, by its library."""
