"""The one door to `huggingface_hub`: imported when a pull was allowed, its telemetry off first."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from ondol import __version__, policy
from ondol.errors import (
    DownloadCorrupt,
    HubError,
    HubUnreachable,
    MissingExtra,
    ModelGated,
    ModelNotFound,
    NotAllowed,
    OptionError,
)
from ondol.language import say
from ondol_converters.hub.listing import MOST_FILES, Listing, RemoteFile
from ondol_converters.hub.reference import Reference

DEFAULT_ENDPOINT = "https://huggingface.co"
OFFLINE = ("ONDOL_OFFLINE", "HF_HUB_OFFLINE")
SECONDS = 30.0
LONGEST_REASON = 300

_QUIET = {
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_UPDATE_CHECK": "1",
}


def endpoint() -> str:
    """The hub's address: HF_ENDPOINT, else huggingface.co."""
    return (os.environ.get("HF_ENDPOINT") or DEFAULT_ENDPOINT).rstrip("/")


def check_policy() -> None:
    """Refuse where the environment or a policy says that nothing is fetched.

    Raises:
        NotAllowed: if one of `OFFLINE` is set to anything but 0.
        PolicyForbids: if this machine's policy does not allow downloads.
    """
    policy.check_download()
    for name in OFFLINE:
        if os.environ.get(name, "").lower() not in ("", "0", "no", "off", "false"):
            raise NotAllowed(
                say("This machine stays offline.", "이 기기는 오프라인으로 씁니다."),
                say(f"{name} is set.", f"{name}이(가) 설정되어 있습니다."),
                say(
                    f"Unset {name}, or copy the model here by hand.",
                    f"{name}을(를) 해제하거나 모델을 직접 옮겨 오세요.",
                ),
            )


def load() -> ModuleType:
    """The library, with telemetry, update checks and its own bars off.

    Raises:
        MissingExtra: if it is not installed.
    """
    os.environ.update(_QUIET)
    try:
        import huggingface_hub
        from huggingface_hub import constants
    except ModuleNotFoundError as exc:
        raise MissingExtra(
            say(f"The package {exc.name} is not installed.", f"{exc.name} 패키지가 없습니다."),
            say("It is needed to fetch a model.", "모델을 받아 오는 데 필요합니다."),
            'pip install "ondol[pull]"',
        ) from exc
    constants.HF_HUB_DISABLE_TELEMETRY = True  # it may have been imported before us
    return huggingface_hub


def token(asked: bool) -> str | bool:
    """The user's token: HF_TOKEN where it is set, the saved one if `asked`, else False.

    Raises:
        OptionError: if one was asked for and there is none.
    """
    hub = load()
    found: str | None = hub.get_token() if asked else os.environ.get("HF_TOKEN") or None
    if asked and not found:
        raise OptionError(
            say("There is no token to send.", "보낼 토큰이 없습니다."),
            say("--token was given.", "--token을 주었습니다."),
            "hf auth login",
        )
    return found or False


def headers(sent: str | bool) -> dict[str, str]:
    """What every request carries: our name, and the token if there is one to send."""
    made: dict[str, str] = load().utils.build_hf_headers(
        token=sent, library_name="ondol", library_version=__version__
    )
    return made | {"Accept-Encoding": "identity"}


def list_files(reference: Reference, sent: str | bool) -> Listing:
    """What the hub holds at a revision, pinned to its commit.

    Raises:
        HubError: if it does not say.
    """
    hub = load()
    with hub_errors(reference, reference.revision):
        api = hub.HfApi(
            endpoint=endpoint(), token=sent, library_name="ondol", library_version=__version__
        )
        info = api.model_info(
            reference.repository, revision=reference.revision, files_metadata=True, timeout=SECONDS
        )
        siblings = list(info.siblings or ())[: MOST_FILES + 1]
        commit = str(info.sha)
        card = getattr(info, "card_data", None)
        files = tuple(
            RemoteFile(
                str(each.rfilename),
                int(each.lfs.size if each.lfs else each.size or 0),
                str(each.lfs.sha256 if each.lfs else each.blob_id),
            )
            for each in siblings
        )
    if not re.fullmatch(r"[0-9a-f]{40}", commit) or len(files) > MOST_FILES:
        raise _strange(reference, f"sha {commit!r:.80}, {len(files)} files")
    licence = getattr(card, "license", None)
    if licence == "other":
        licence = getattr(card, "license_name", None) or licence
    return Listing(
        reference.repository, commit, licence[:200] if isinstance(licence, str) else "", files
    )


@contextmanager
def hub_errors(reference: Reference, what: str) -> Iterator[None]:
    """Turn what the library raises into our errors; `what` is the file or revision asked for.

    Raises:
        ModelNotFound, ModelGated, HubUnreachable, DownloadCorrupt: by what the hub said.
    """
    from huggingface_hub import errors

    # httpx's or httpx2's, by the library's version
    transport: type[Exception] = errors.HfHubHTTPError.__bases__[0]
    try:
        yield
    except (errors.GatedRepoError, errors.DisabledRepoError) as exc:
        raise _gated(reference, exc) from exc
    except (errors.RevisionNotFoundError, errors.EntryNotFoundError) as exc:
        raise _not_found(reference, f"{what}: {_reason(exc)}") from exc
    except errors.RepositoryNotFoundError as exc:
        raise _not_found(reference, _reason(exc)) from exc
    except errors.HfHubHTTPError as exc:
        status = exc.response.status_code
        if status in (401, 403):
            raise _gated(reference, exc) from exc
        if status == 404:
            raise _not_found(reference, f"{what}: HTTP 404") from exc
        raise unreachable(reference, f"HTTP {status}: {_reason(exc)}") from exc
    except transport as exc:
        raise unreachable(reference, f"{type(exc).__name__}: {_reason(exc)}") from exc
    except errors.OfflineModeIsEnabled as exc:
        raise unreachable(reference, "HF_HUB_OFFLINE") from exc
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise _strange(reference, f"{type(exc).__name__}: {_reason(exc)}") from exc


def _reason(exc: BaseException) -> str:
    said = getattr(exc, "server_message", None)
    lines = [line for line in str(said or exc).splitlines() if line.strip()]
    return (lines[0] if lines else type(exc).__name__)[:LONGEST_REASON]


def unreachable(reference: Reference, why: str) -> HubUnreachable:
    """The error of a hub that gives no answer or breaks off."""
    return HubUnreachable(
        say(
            f"The hub at {endpoint()} gave no whole answer.",
            f"{endpoint()} 허브에서 온전한 답을 받지 못했습니다.",
        ),
        why,
        say(
            f"Run it again, it goes on where it stopped: ondol pull {reference}",
            f"다시 실행하면 멈춘 곳부터 이어집니다: ondol pull {reference}",
        ),
    )


def _strange(reference: Reference, why: str) -> HubError:
    return DownloadCorrupt(
        say(
            f"The hub's answer about {reference} makes no sense.",
            f"{reference}에 대한 허브의 답을 이해할 수 없습니다.",
        ),
        why,
        say(
            f"Check that HF_ENDPOINT is a hub: {endpoint()}",
            f"HF_ENDPOINT가 허브인지 확인하세요: {endpoint()}",
        ),
    )


def _not_found(reference: Reference, why: str) -> HubError:
    return ModelNotFound(
        say(f"The hub has no {reference}.", f"허브에 {reference}이(가) 없습니다."),
        why,
        say(
            "Check the name; a private model needs --token after: hf auth login",
            "이름을 확인하세요. 비공개 모델이면 hf auth login 뒤에 --token을 붙이세요.",
        ),
    )


def _gated(reference: Reference, exc: BaseException) -> HubError:
    return ModelGated(
        say(
            f"{reference.repository} is not open to you.",
            f"{reference.repository}은(는) 허락을 받아야 받을 수 있습니다.",
        ),
        _reason(exc),
        say(
            f"Ask at {endpoint()}/{reference.repository}, then: hf auth login, and --token",
            f"{endpoint()}/{reference.repository}에서 신청한 뒤 hf auth login을 하고 "
            "--token을 붙이세요.",
        ),
    )
