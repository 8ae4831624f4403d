import pytest

from ondol.cli.options import share
from ondol.errors import OptionError


@pytest.mark.parametrize(
    ("text", "value"), [("99.5%", 0.995), ("0.25", 0.25), (" 1 %", 0.01), (None, None)]
)
def test_shares(text: str | None, value: float | None) -> None:
    assert share(text) == (None if value is None else pytest.approx(value))


@pytest.mark.parametrize("text", ["", "%", "much", "1%%", "1 0%", "1"])
def test_what_is_no_share(text: str) -> None:
    with pytest.raises(OptionError, match="no share"):
        share(text)
