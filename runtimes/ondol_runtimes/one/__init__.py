"""Samsung ONE: circle files on onert. Run on silicon: no."""
