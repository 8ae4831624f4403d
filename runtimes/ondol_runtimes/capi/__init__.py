"""ONNX Runtime's C API through ctypes: a bare shared library, without its Python package."""

__all__: list[str] = []
