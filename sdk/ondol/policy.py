"""What this machine allows: `ondol-policy.toml`, the administrator's and the user's.

    licences = ["commercial", "conditional"]   # classes that may be used; all where not said
    signature = "required"                     # or "optional", as where not said
    keys = ["0123…cdef"]                       # fingerprints that may sign; all trusted where not
    devices = ["cpu", "qnn"]                   # that may run a model; all where not said
    download = false                           # whether models may be fetched
    memory_mb = 2048                           # the most this process may take
    reply_seconds = 60                         # the longest a reply may take
    logging = false                            # whether Ondol writes to any log
    masking = ["logs", "exports", "tools"]     # where personal data is masked on its way out

Both files must allow it, the tighter limit holds, and what one masks is masked. The
administrator's asks for keys that the administrator trusts; the user's for those of either. A
policy that cannot be understood allows nothing. Each rule is held at one place: devices and
bundles where `ondol.runtime` opens them, memory by `ondol.fitting`, time by a `Reply`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING

from ondol import settings
from ondol.language import say
from ondol.policy_file import LICENCES as LICENCES
from ondol.policy_file import MOST_BYTES as MOST_BYTES
from ondol.policy_file import Policy, Way

if TYPE_CHECKING:
    from ondol.bundle import Bundle

NAME = "ondol-policy.toml"

_MAKING: ContextVar[Path | None] = ContextVar("making", default=None)


def places() -> tuple[tuple[Path, tuple[Path, ...]], ...]:
    """Where the two files lie, the administrator's first, and the folders of keys each counts."""
    from ondol.signing.keys import trust_folders

    system, user = trust_folders()
    return (
        (settings.system_folder() / NAME, (system,)),
        (settings.user_folder() / NAME, (system, user)),
    )


def policies() -> tuple[Policy, ...]:
    """The rules of this machine, the administrator's first; none where nobody made any.

    Raises:
        PolicyForbids: if one of them cannot be understood.
    """
    return tuple(Policy.read(path, folders) for path, folders in places() if there(path))


def there(path: Path) -> bool:
    """Whether a policy lies at a path; one that may not be looked at counts, and allows nothing."""
    try:
        return path.exists()
    except OSError:
        return True


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
        _allow_licence(policy, licence.name, licence.kind, bundle.name)
        if not _in_the_making(bundle):
            _allow_signature(policy, bundle)


def check_licence(name: str, kind: str, what: str) -> None:
    """Let a model be fetched or converted under its licence.

    Raises:
        PolicyForbids: if a policy does not allow it, quoting the rule and its file.
    """
    for policy in policies():
        _allow_licence(policy, name, kind, what)


def check_device(name: str) -> None:
    """Let a device run models; of `plugin:PATH` the rule names `plugin`.

    Raises:
        PolicyForbids: if a policy does not allow it, quoting the rule and its file.
    """
    bare = name.partition(":")[0]
    for policy in policies():
        if policy.devices is not None and bare not in policy.devices:
            raise policy.forbidden(
                ["devices"],
                say(f"the device {name}", f"{name} 장치"),
                "",
                say("Choose a device that it names.", "정책에 있는 장치를 고르세요."),
            )


def check_download() -> None:
    """Let models be fetched from a hub.

    Raises:
        PolicyForbids: if a policy does not allow it, quoting the rule and its file.
    """
    for policy in policies():
        if not policy.download:
            raise policy.forbidden(
                ["download"],
                say("downloads", "내려받기"),
                "",
                say("Copy the model here by hand.", "모델을 직접 옮겨 오세요."),
            )


def tightest_memory() -> Policy | None:
    """The policy with the lowest limit of memory; None where there is none.

    Raises:
        PolicyForbids: if a policy cannot be understood.
    """
    limited = [policy for policy in policies() if policy.memory_mb is not None]
    return min(limited, key=lambda policy: policy.memory_mb or 0, default=None)


def reply_seconds(wished: float | None) -> float | None:
    """The most seconds that a reply may take; None: no limit.

    Raises:
        PolicyForbids: if more was wished for than a policy allows, quoting the rule and its file.
    """
    limited = [policy for policy in policies() if policy.reply_seconds is not None]
    tightest = min(limited, key=lambda policy: policy.reply_seconds or 0, default=None)
    if tightest is None or tightest.reply_seconds is None:
        return wished
    if wished is not None and wished > tightest.reply_seconds:
        raise tightest.forbidden(
            ["reply_seconds"],
            say(f"a reply of {wished:g} s", f"{wished:g}초 걸리는 답"),
            "",
            say("Ask for less time.", "시간을 줄이세요."),
        )
    return tightest.reply_seconds if wished is None else wished


def logs() -> bool:
    """Whether Ondol may write to logs.

    Raises:
        PolicyForbids: if a policy cannot be understood.
    """
    return all(policy.logging for policy in policies())


def masked(way: Way) -> bool:
    """Whether personal data is to be masked on a way out.

    Raises:
        PolicyForbids: if a policy cannot be understood.
    """
    return any(way in policy.masking for policy in policies())


def _allow_licence(policy: Policy, name: str, kind: str, what: str) -> None:
    if policy.licences is None or kind in policy.licences:
        return
    why = say(f"Its licence, {name}, is {kind}.", f"라이선스 {name}의 등급이 {kind}입니다.")
    raise policy.forbidden(["licences"], what, why, _another_model())


def _allow_signature(policy: Policy, bundle: "Bundle") -> None:
    if policy.signature == "optional":
        return
    from ondol.signing import signature
    from ondol.signing.keys import trusted

    known = [k for k in trusted(policy.folders) if not policy.keys or k.fingerprint in policy.keys]
    verdict = signature.check(bundle, known)
    if verdict.state is signature.State.TRUSTED:
        return
    rules = ["signature", "keys"] if policy.keys else ["signature"]
    raise policy.forbidden(rules, bundle.name, signature.describe(verdict), _another_model())


def _another_model() -> str:
    return say(
        "Choose another model, or ask whoever made the policy.",
        "다른 모델을 고르거나 정책을 만든 사람에게 문의하세요.",
    )


def _in_the_making(bundle: "Bundle") -> bool:
    folder = _MAKING.get()
    return folder is not None and bundle.path.resolve().is_relative_to(folder)
