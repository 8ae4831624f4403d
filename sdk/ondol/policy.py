"""What this machine allows: `ondol-policy.toml`, the administrator's and the user's.

    licences = ["commercial", "conditional"]   # classes that may be used; all where not said
    signature = "required"                     # or "optional", as where not said
    keys = ["0123…cdef"]                       # fingerprints that may sign; all trusted where not

Both files must allow a bundle. The administrator's asks for keys that the administrator trusts;
the user's for those of either. A policy that cannot be understood allows nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from ondol import settings
from ondol.errors import PolicyForbids
from ondol.language import say

if TYPE_CHECKING:
    from ondol.bundle import Bundle

NAME = "ondol-policy.toml"
MOST_BYTES = 1 << 16
LICENCES = ("commercial", "conditional", "research-only", "unknown")

Signature = Literal["optional", "required"]
Way = Literal["exports", "logs", "tools"]

_MAKING: ContextVar[Path | None] = ContextVar("making", default=None)


@dataclass(frozen=True, slots=True)
class Policy:
    """One file's rules. `licences` None: any class. `folders` hold the keys that count."""

    path: Path
    folders: tuple[Path, ...]
    licences: tuple[str, ...] | None = None
    signature: Signature = "optional"
    keys: tuple[str, ...] = ()

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
            return cls._built(path, folders, tomllib.loads(raw.decode("utf-8")))
        except (OSError, ValueError, RecursionError) as exc:
            raise PolicyForbids(
                say(f"The policy cannot be understood: {path}", f"정책을 읽을 수 없습니다: {path}"),
                f"{exc}"[:300],
                say(
                    "Until it is put right, nothing is allowed.",
                    "고칠 때까지 아무것도 허용되지 않습니다.",
                ),
            ) from exc

    @classmethod
    def _built(cls, path: Path, folders: tuple[Path, ...], data: Mapping[str, Any]) -> "Policy":
        strange = set(data) - {"licences", "signature", "keys"}
        if strange:
            raise ValueError(f"{', '.join(sorted(strange))}?")
        licences = data.get("licences")
        if licences is not None:
            licences = _texts("licences", licences)
            if not set(licences) <= set(LICENCES):
                raise ValueError(f"licences: {', '.join(LICENCES)}")
        signature = data.get("signature", "optional")
        if signature not in get_args(Signature):
            raise ValueError(f"signature: {' | '.join(get_args(Signature))}")
        keys = _texts("keys", data.get("keys", []))
        return cls(path, folders, licences, signature, keys)

    def allow_licence(self, name: str, kind: str, what: str) -> None:
        """Let a licence class pass.

        Raises:
            PolicyForbids: if it may not be used, quoting the rule.
        """
        if self.licences is None or kind in self.licences:
            return
        raise _forbidden(
            self,
            what,
            say(f"Its licence, {name}, is {kind}.", f"라이선스 {name}의 등급이 {kind}입니다."),
            f"licences = {_list(self.licences)}",
        )

    def allow_signature(self, bundle: "Bundle") -> None:
        """Let a bundle pass that a key of this policy has signed.

        Raises:
            PolicyForbids: if it has to be signed and is not, quoting the rule.
        """
        if self.signature == "optional":
            return
        from ondol.signing import signature
        from ondol.signing.keys import trusted

        known = [k for k in trusted(self.folders) if not self.keys or k.fingerprint in self.keys]
        verdict = signature.check(bundle, known)
        if verdict.state is signature.State.TRUSTED:
            return
        rule = 'signature = "required"'
        if self.keys:
            rule += f", keys = {_list(self.keys)}"
        raise _forbidden(self, bundle.name, signature.describe(verdict), rule)


def policies() -> tuple[Policy, ...]:
    """The rules of this machine, the administrator's first; none where nobody made any.

    Raises:
        PolicyForbids: if one of them cannot be understood.
    """
    from ondol.signing.keys import trust_folders

    system, user = trust_folders()
    places = (
        (settings.system_folder() / NAME, (system,)),
        (settings.user_folder() / NAME, (system, user)),
    )
    return tuple(Policy.read(path, folders) for path, folders in places if path.exists())


@contextmanager
def making(folder: Path) -> Iterator[None]:
    """Bundles in a folder that this block fills need no signature: they are not anybody's yet.

    What a conversion tries and measures is signed by nobody; what it leaves is, when it is used.
    """
    before = _MAKING.set(folder.resolve())
    try:
        yield
    finally:
        _MAKING.reset(before)


def check(bundle: "Bundle") -> None:
    """Let a bundle be used here; every way to run one asks this first.

    Raises:
        PolicyForbids: if a policy does not allow it, quoting the rule and its file.
        CorruptBundle: if its manifest changed since it was opened.
    """
    licence = bundle.manifest.licence
    for policy in policies():
        policy.allow_licence(licence.name, licence.kind, bundle.name)
        if not _in_the_making(bundle):
            policy.allow_signature(bundle)


def check_licence(name: str, kind: str, what: str) -> None:
    """Let a model be fetched or converted under its licence.

    Raises:
        PolicyForbids: if a policy does not allow it, quoting the rule and its file.
    """
    for policy in policies():
        policy.allow_licence(name, kind, what)


def _in_the_making(bundle: "Bundle") -> bool:
    folder = _MAKING.get()
    return folder is not None and bundle.path.resolve().is_relative_to(folder)


def _texts(key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ValueError(f"{key}: a list of texts")
    return tuple(value)


def _list(values: Sequence[str]) -> str:
    return "[" + ", ".join(f'"{value}"' for value in values) + "]"


def _forbidden(policy: Policy, what: str, why: str, rule: str) -> PolicyForbids:
    return PolicyForbids(
        say(f"The policy does not allow {what}.", f"정책이 {what}을(를) 허용하지 않습니다."),
        f"{why} {policy.path}: {rule}",
        say(
            "Choose another model, or ask whoever made the policy.",
            "다른 모델을 고르거나 정책을 만든 사람에게 문의하세요.",
        ),
    )


def masked(way: Way) -> bool:
    """Whether personal data is to be masked on its way."""
    return False
