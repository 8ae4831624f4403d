"""Encoders of text and recognisers of speech into bundles."""
