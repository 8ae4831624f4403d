"""Masks where this machine's policy asks for them."""

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
