"""The table beside a bundle's `tokenizer.json`, which devices map instead of parsing that."""

from functools import lru_cache

from ondol.tokenizing.building import table_bytes
from ondol.tokenizing.steps import Unmapped
from ondol_converters.tokenizers.categories import library_categories


@lru_cache(1)
def mapped_table(tokenizer: str) -> bytes | None:
    """The bytes of `tokenizer.bin` for the text of a `tokenizer.json`.

    None where it asks for something that tables do not hold: Unigram, WordPiece, an unknown
    pre-tokenizer. Such bundles need the `tokenizers` library.

    Raises:
        CorruptBundle: if it contradicts itself.
    """
    try:
        return table_bytes(tokenizer.encode("utf-8"), library_categories)
    except Unmapped:
        return None
