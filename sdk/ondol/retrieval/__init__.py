"""Documents in a file of their own: read, found, and answered from."""

from ondol.retrieval.answering import NOT_FOUND, Answer, answer, confidence, quoted, worded
from ondol.retrieval.ingesting import Failed, Ingested
from ondol.retrieval.library import Library, StoredDocument
from ondol.retrieval.limits import ReadLimits
from ondol.retrieval.passage import Passage

__all__ = [
    "Answer",
    "Failed",
    "Ingested",
    "Library",
    "NOT_FOUND",
    "Passage",
    "ReadLimits",
    "StoredDocument",
    "answer",
    "confidence",
    "quoted",
    "worded",
]
