"""A folder that answers by itself: a bundle, the modules it needs, the engine's library."""
