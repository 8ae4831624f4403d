"""Lists of Korean words, a file each in `words/`; lines that begin with # say what they are."""

from importlib.resources import files


def words(name: str) -> frozenset[str]:
    """The words of a file."""
    path = files("ondol.privacy") / "words" / f"{name}.txt"
    lines = path.read_text("utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())
