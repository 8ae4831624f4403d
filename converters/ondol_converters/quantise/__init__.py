"""Weights from any storage into the blocks that the kernels read."""
