"""A quality budget: how much each matrix may lose, and the layouts that spend it best."""
