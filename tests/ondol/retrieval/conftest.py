"""Tests find sentences by our rule: kiwipiepy's model takes longer to load than they do."""

import sys
from collections.abc import Iterator

import pytest

from ondol.retrieval.sentences import splitter


@pytest.fixture(autouse=True)
def by_our_rule(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No kiwipiepy, whether it is installed here or not."""
    monkeypatch.setitem(sys.modules, "kiwipiepy", None)
    splitter.cache_clear()
    yield
    splitter.cache_clear()
