import pytest

from ondol.errors import OptionError
from ondol.fitting import size


@pytest.mark.parametrize(
    ("text", "count"),
    [("300MB", 300_000_000), ("250 MiB", 250 << 20), ("1.5gb", 1_500_000_000), ("4096", 4096)],
)
def test_sizes_as_people_write_them(text: str, count: int) -> None:
    assert size(text) == count


@pytest.mark.parametrize("text", ["", "MB", "-1MB", "0", "0MB", "1TB2", "３MB", "1,5GB", "nanMB"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(OptionError, match="size of memory") as caught:
        size(text)
    assert "300MB" in caught.value.fix
