"""ONNX graphs of fixed shapes into circle files, which Samsung ONE's runtime onert runs."""
