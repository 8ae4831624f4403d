"""The cache of a session that several conversations use: what it holds, whose it is, what others
left of theirs.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ondol import log
from ondol.errors import NoSnapshot
from ondol.sharing import LEAST, Prefixes, common
from ondol.snapshot import Snapshot

if TYPE_CHECKING:
    from ondol.reply import Holder, Reply
    from ondol.runtime import DecoderSession, Logits

logger = log.logger(__name__)


class Cache:
    """Tokens whose keys and values a session holds. To be used in one's turn only.

    Args:
        session: an open session, which is empty.
        row_bytes: what a token takes, about.
        most_bytes: what snapshots of those who lost the cache take at most.
    """

    def __init__(self, session: "DecoderSession", row_bytes: int, most_bytes: int) -> None:
        self.session = session
        self.held: list[int] = []
        self.active: Reply | None = None  # whose tokens they are
        self.prefixes = Prefixes(most_bytes)
        self._row_bytes = row_bytes

    def append(self, ids: Sequence[int]) -> "Logits":
        """Run tokens; errors and logits as of the session."""
        logits = self.session.append(ids)
        self.held.extend(ids)
        return logits

    def keep(self, length: int) -> None:
        """Forget all but the first tokens."""
        self.session.rewind(length)
        del self.held[length:]

    def give(self, reply: "Reply", tokens: Sequence[int]) -> int:
        """Let a reply have the cache, with as many of its tokens as are known; how many."""
        self.leave(reply, tokens)
        here = common(self.held, tokens)
        known, kept = self.prefixes.best(tokens) or (0, None)
        if kept is not None and known >= here + LEAST:
            self._restore(kept.tokens[:known], kept.snapshot.first(known))
            here = known
        self.prefixes.drop(reply.holder)
        self.keep(here)
        self.active = reply
        return here

    def leave(self, newcomer: "Reply | None", tokens: Sequence[int]) -> None:
        """Keep what is held for the one who may need it, where that is worth a copy."""
        left = self.active
        holder = left.holder if left is not None and left.needed else None
        if holder is None or (newcomer is not None and newcomer.holder is holder):
            return
        lost = len(self.held) - common(self.held, tokens)
        if lost < LEAST or len(self.held) * self._row_bytes > self.prefixes.most_bytes:
            return
        try:
            self.prefixes.keep(holder, self.held, self.session.snapshot())
        except NoSnapshot as exc:
            logger.info("%s", exc)  # replies that take turns run their text again: rerun_tokens
            self.prefixes.most_bytes = 0

    def of(self, holder: "Holder", ids: Sequence[int]) -> Snapshot | None:
        """What is held or kept for someone, as far as it is of these tokens; None for nothing."""
        kept = self.prefixes.of(holder)
        if kept is not None:
            tokens, snapshot = kept.tokens, kept.snapshot
        elif self.active is not None and self.active.holder is holder:
            try:
                tokens, snapshot = tuple(self.held), self.session.snapshot()
            except NoSnapshot:
                return None
        else:
            return None
        shared = common(tokens, [*ids, -1])
        return snapshot.first(shared) if shared else None

    def adopt(self, holder: "Holder", ids: Sequence[int], snapshot: Snapshot) -> None:
        """Take in what was saved of someone's cache.

        Raises:
            ContextFull, OptionError: as of the session's `restore`.
        """
        if snapshot.size_bytes <= self.prefixes.most_bytes:
            self.prefixes.keep(holder, ids, snapshot)
        else:
            self.leave(None, ids)
            self._restore(ids, snapshot)
            self.active = None

    def moved(self, session: "DecoderSession") -> None:
        """Go on with another session, which is empty and may be of another device."""
        self.session, self.active = session, None
        self.clear()

    def clear(self) -> None:
        """Forget what is held and what others left."""
        self.held.clear()
        self.prefixes.clear()

    def _restore(self, ids: Sequence[int], snapshot: Snapshot) -> None:
        self.session.restore(snapshot)
        self.held = list(ids)
