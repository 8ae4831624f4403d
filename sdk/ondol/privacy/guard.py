"""Masks where this machine's policy asks for them."""

from collections.abc import Mapping
from typing import Any

from ondol import policy
from ondol.policy_file import Way
from ondol.privacy.masking import mask


def guarded(text: str, way: Way) -> str:
    """A text as it may go that way: masked where a policy says so, else as it is.

    Args:
        text: what is to leave.
        way: logs, exports or tools.

    Raises:
        PolicyForbids: if a policy cannot be understood.
    """
    return mask(text).text if policy.masked(way) else text


def guarded_values(values: Mapping[str, Any], way: Way) -> dict[str, Any]:
    """As `guarded`, for JSON such as a tool's arguments: every text in it, names left alone.

    Args:
        values: by name; texts, numbers, lists and objects of these.
        way: logs, exports or tools.

    Raises:
        PolicyForbids: if a policy cannot be understood.
    """
    masked = policy.masked(way)
    return {name: _masked(value) if masked else value for name, value in values.items()}


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return mask(value).text
    if isinstance(value, list | tuple):
        return [_masked(each) for each in value]
    if isinstance(value, Mapping):
        return {name: _masked(each) for name, each in value.items()}
    return value
