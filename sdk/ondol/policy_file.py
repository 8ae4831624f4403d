"""One `ondol-policy.toml`: its rules, each of a declared form, and refusals that quote them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from ondol.errors import PolicyForbids
from ondol.language import say

MOST_BYTES = 1 << 16
LICENCES = ("commercial", "conditional", "research-only", "unknown")

Signature = Literal["optional", "required"]
Way = Literal["exports", "logs", "tools"]


@dataclass(frozen=True, slots=True)
class Policy:
    """One file's rules; what it does not say is allowed. `folders` hold the keys that count.

    `licences` and `devices` None: any. `memory_mb` is of this process, in 1,000,000 bytes, and
    `reply_seconds` of one reply; None: no limit. `masking` are the ways out that are masked.
    """

    path: Path
    folders: tuple[Path, ...]
    licences: tuple[str, ...] | None = None
    signature: Signature = "optional"
    keys: tuple[str, ...] = ()
    devices: tuple[str, ...] | None = None
    download: bool = True
    memory_mb: int | None = None
    reply_seconds: float | None = None
    logging: bool = True
    masking: tuple[Way, ...] = ()

    @classmethod
    def read(cls, path: Path, folders: tuple[Path, ...]) -> "Policy":
        """The rules of a file.

        Raises:
            PolicyForbids: if it cannot be read or understood.
        """
        import tomllib

        try:
            with path.open("rb") as file:
                raw = file.read(MOST_BYTES + 1)
            if len(raw) > MOST_BYTES:
                raise ValueError(f"> {MOST_BYTES} bytes")
            return cls(path, folders, **_rules(tomllib.loads(raw.decode("utf-8"))))
        except (OSError, ValueError, RecursionError) as exc:
            raise PolicyForbids(
                say(f"The policy cannot be understood: {path}", f"정책을 읽을 수 없습니다: {path}"),
                f"{exc}"[:300],
                say(
                    "Until it is put right, nothing is allowed.",
                    "고칠 때까지 아무것도 허용되지 않습니다.",
                ),
            ) from exc

    def quote(self, name: str) -> str:
        """A rule as its file has it."""
        return f"{name} = {_toml(getattr(self, name))}"

    def standing(self) -> Mapping[str, str]:
        """Every rule that differs from allowing all: its name, and its value as TOML."""
        usual = Policy(self.path, self.folders)
        return {
            name: _toml(getattr(self, name))
            for name in RULES
            if getattr(self, name) != getattr(usual, name)
        }

    def forbidden(self, names: Iterable[str], what: str, why: str, fix: str) -> PolicyForbids:
        """The refusal that quotes rules of this file."""
        quoted = ", ".join(map(self.quote, names))
        return PolicyForbids(
            say(f"The policy does not allow {what}.", f"정책이 {what}을(를) 허용하지 않습니다."),
            f"{why} {self.path}: {quoted}".strip(),
            fix,
        )


def _rules(data: Mapping[str, Any]) -> dict[str, Any]:
    strange = set(data) - set(RULES)
    if strange:
        raise ValueError(f"{', '.join(sorted(strange))}?")
    return {name: RULES[name](name, value) for name, value in data.items()}


def _texts(name: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ValueError(f"{name}: a list of texts")
    return tuple(value)


def _each_of(*choices: str) -> Callable[[str, object], tuple[str, ...]]:
    def rule(name: str, value: object) -> tuple[str, ...]:
        texts = _texts(name, value)
        if not set(texts) <= set(choices):
            raise ValueError(f"{name}: {', '.join(choices)}")
        return texts

    return rule


def _one_of(*choices: str) -> Callable[[str, object], object]:
    def rule(name: str, value: object) -> object:
        if value not in choices:
            raise ValueError(f"{name}: {' | '.join(choices)}")
        return value

    return rule


def _yes_or_no(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{name}: true | false")
    return value


def _whole(name: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name}: a whole number, 1 or more")
    return value


def _seconds(name: str, value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < 1e9:
        raise ValueError(f"{name}: seconds, more than 0")
    return float(value)


RULES: dict[str, Callable[[str, object], object]] = {
    "licences": _each_of(*LICENCES),
    "signature": _one_of(*get_args(Signature)),
    "keys": _texts,
    "devices": _texts,
    "download": _yes_or_no,
    "memory_mb": _whole,
    "reply_seconds": _seconds,
    "logging": _yes_or_no,
    "masking": _each_of(*get_args(Way)),
}
"""Every rule there is, and what reads its value."""


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[" + ", ".join(f'"{each}"' for each in value) + "]"
    if isinstance(value, float):
        return f"{value:g}"
    return f'"{value}"' if isinstance(value, str) else str(value)
