"""Tokenizers out of model files: a `tokenizer.json` with the same ids as the source."""

from ondol_converters.tokenizers.folder import from_folder
from ondol_converters.tokenizers.sentencepiece_file import from_sentencepiece
from ondol_converters.tokenizers.vocabulary import Vocabulary, from_vocabulary

__all__ = ["Vocabulary", "from_folder", "from_sentencepiece", "from_vocabulary"]
