"""Ondol's devices, one file each; `ondol.registry` names them and loads them when asked."""

__all__: list[str] = []
