"""Ondol's loggers: what they write is a policy's to say, and no prompt or answer is ever in it."""

import logging

from ondol import policy
from ondol.errors import PolicyForbids


class _Policed(logging.Filter):
    """Drops records where a policy forbids logs, and masks them where one says so."""

    def filter(self, record: logging.LogRecord) -> bool:
        try:
            if not policy.logs():
                return False
            masked = policy.masked("logs")
        except PolicyForbids:  # one that cannot be understood allows nothing
            return False
        if masked:
            from ondol.privacy import mask

            record.msg, record.args = mask(record.getMessage()).text, None
            if record.exc_info:
                told = logging.Formatter().formatException(record.exc_info)
                record.exc_text = mask(told).text
        return True


def only_errors(name: str) -> None:
    """Let a library that warns of every small flaw of a file tell its errors alone."""
    logging.getLogger(name).setLevel(logging.ERROR)


def logger(name: str) -> logging.Logger:
    """The logger of a module of Ondol. Tell it what was done, never what was said."""
    made = logging.getLogger(name)
    if not any(isinstance(each, _Policed) for each in made.filters):
        made.addFilter(_Policed())
    return made
