"""Data instead of prose: replies that keep to a JSON Schema, a type, a regex, choices or Lark."""

from ondol.grammar.extraction import extract
from ondol.grammar.rules import Choices, Json, Lark, Regex

__all__ = ["Choices", "Json", "Lark", "Regex", "extract"]
