"""Where a conversion puts its bundle, and what it is called."""

from pathlib import Path

from ondol.language import say


def place(model: str, out: Path | None, name: str | None) -> tuple[Path, str]:
    """The folder to write and the bundle's name.

    Raises:
        OptionError: if both are given, or the name is none.
    """
    from ondol import store
    from ondol.cli.making import plain_name
    from ondol.errors import OptionError
    from ondol.starter import STARTERS

    if out is not None and name is not None:
        raise OptionError(
            say(
                "--out and --name cannot be used together.", "--out과 --name은 함께 쓸 수 없습니다."
            ),
            say("A folder names its bundle.", "폴더 이름이 곧 번들 이름입니다."),
            say("Give one of them.", "둘 중 하나만 주세요."),
        )
    if out is not None:
        folder = out.resolve()
        return folder, plain_name(folder.name)
    path = Path(model)
    if path.exists() or model not in STARTERS:
        source = path.resolve()
        model = source.name if source.is_dir() else source.stem
    called = plain_name(model if name is None else name)
    return store.folder() / called, called
