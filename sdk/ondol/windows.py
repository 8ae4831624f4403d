"""A text of more tokens than a model reads, in parts that it does read."""

from collections.abc import Iterator

from ondol.framed import Framed
from ondol.tokenizer import Tokenizer


def windows(tokenizer: Tokenizer, prefix: str, text: str, most: int) -> list[Framed]:
    """A text's parts, each behind the prefix and of at most so many tokens.

    Args:
        tokenizer: what counts.
        prefix: what is put before every part.
        text: in NFC; nothing of it is left out but the white space at which it is cut.
        most: the tokens that a model reads, those around a text included.
    """
    return list(_parts(tokenizer, prefix, text, most))


def _parts(tokenizer: Tokenizer, prefix: str, text: str, most: int) -> Iterator[Framed]:
    framed = tokenizer.frame(prefix + text)
    if len(framed.ids) <= most or len(text) < 2:
        yield framed
        return
    # The last token that fits ends the first part, or the last word before it
    end = framed.spans[most - framed.after - 1][1] - len(prefix)
    end = min(max(end, 1), len(text) - 1)
    cut = next((at for at in range(end, end // 2, -1) if text[at].isspace()), end)
    for part in (text[:cut].rstrip(), text[cut:].lstrip()):
        if part:
            yield from _parts(tokenizer, prefix, part, most)
