"""The decoder graph, drawn once for every family from its description."""
