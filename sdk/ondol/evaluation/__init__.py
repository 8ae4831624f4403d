"""How good a model is, in figures that travel with its bundle."""
