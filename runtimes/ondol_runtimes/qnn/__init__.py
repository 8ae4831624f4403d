"""Qualcomm's HTP, the neural processor of Snapdragon chips, through onnxruntime-qnn."""
