"""Counts of what a server did, as Prometheus reads them. No text of anybody is among them."""

from collections import Counter
from collections.abc import Iterator, Mapping

from ondol.memory import resident_bytes
from ondol.reply import Reply
from ondol.server.admission import Places

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""Prometheus' text format."""


class Metrics:
    """Counts since the start; for one event loop."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._requests: Counter[tuple[str, int]] = Counter()
        self._replies: Counter[str] = Counter()
        self._tokens: Counter[str] = Counter()
        self._seconds = {"prefill": 0.0, "decode": 0.0}

    def request(self, path: str, status: int) -> None:
        """Count a request by its route and how it was answered."""
        self._requests[path, status] += 1

    def reply(self, reply: Reply) -> None:
        """Count a reply that has ended, or was left by its reader."""
        stats = reply.stats
        self._replies[str(reply.finish or "cancelled")] += 1
        self._tokens["prompt"] += stats.prompt_tokens
        self._tokens["reused"] += stats.reused_tokens
        self._tokens["completion"] += len(reply.ids)
        self._seconds["prefill"] += stats.prefill_seconds
        self._seconds["decode"] += stats.decode_seconds

    def text(self) -> str:
        """All of them in Prometheus' text format."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        yield from _head("ondol_requests_total", "counter", "Requests by route and status.")
        for (path, status), count in sorted(self._requests.items()):
            yield f'ondol_requests_total{{path="{path}",status="{status}"}} {count}'
        tables: tuple[tuple[str, str, str, Mapping[str, float]], ...] = (
            ("ondol_replies_total", "finish", "Replies by why they ended.", self._replies),
            ("ondol_tokens_total", "kind", "Tokens by kind.", self._tokens),
            ("ondol_model_seconds_total", "stage", "Time in the model.", self._seconds),
        )
        for name, key, help_, counts in tables:
            yield from _head(name, "counter", help_)
            for value, much in sorted(counts.items()):
                yield f'{name}{{{key}="{value}"}} {much}'
        for name, help_, now in (
            ("ondol_replies_running", "Replies being made.", self._places.running),
            ("ondol_requests_waiting", "Requests in the queue.", self._places.waiting),
            ("ondol_resident_bytes", "Memory of this process.", resident_bytes()),
        ):
            yield from _head(name, "gauge", help_)
            yield f"{name} {now}"


def _head(name: str, kind: str, help_: str) -> tuple[str, str]:
    return f"# HELP {name} {help_}", f"# TYPE {name} {kind}"
