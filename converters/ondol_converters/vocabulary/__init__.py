"""Vocabularies cut to Korean and English: a smaller table, the same text, no other script."""

from ondol_converters.vocabulary.cutting import Cut, cut_tokenizer
from ondol_converters.vocabulary.trimmed import TrimmedSource, learnt_from, trim

__all__ = ["Cut", "TrimmedSource", "cut_tokenizer", "learnt_from", "trim"]
