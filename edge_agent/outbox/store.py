"""Where the outbox keeps its rows: the contract of a store, and the one in memory."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple, Protocol

ROW_OVERHEAD_BYTES = 100
"""What a row takes besides its payload, near enough to bound a file by."""


@dataclass(frozen=True, slots=True)
class Row:
    """An accepted message.

    Attributes:
        id: Place in the order of acceptance, over all topics and sessions.
        topic: Name of its topic, for example ``expression``.
        session: The run that observed it.
        seq: Its number within session and topic.
        payload: The bytes that go on the wire.
        mono_ms: When it was accepted, in milliseconds since its session began.
        wall_ms: The same by the wall clock, in milliseconds since 1970.
        resent: Whether it goes out because a subscriber asked for it again.
    """

    id: int
    topic: str
    session: str
    seq: int
    payload: bytes
    mono_ms: int
    wall_ms: int
    resent: bool = False

    @property
    def cost_bytes(self) -> int:
        """What it counts for against the outbox's size."""
        return len(self.payload) + ROW_OVERHEAD_BYTES


class StoredSession(NamedTuple):
    """What is remembered of a run: its start in ms since 1970, whether the clock was set then, rows lost."""

    id: str
    started_ms: int
    clock_synced: bool
    lost: int


class Totals(NamedTuple):
    """What a store holds, delivered rows included but in ``pending``."""

    rows: int
    size_bytes: int
    pending: int


class Store(Protocol):
    """Keeps rows in the order of their ids. One thread uses it at a time.

    Methods raise :class:`StoreError` where the medium fails, and then have changed nothing.
    """

    def write(self, rows: Sequence[Row], delivered: Sequence[tuple[int, int]]) -> None:
        """Add rows and note deliveries, all or nothing. Unknown ids are ignored.

        A delivery is an id and a time in ms: positive and since 1970 where the clock was set. Where it was not, the
        time is negated, and means something only beside the others in the store.
        """

    def undelivered(self, topic: str, after_id: int, limit: int) -> list[Row]:
        """The oldest undelivered rows of a topic with an id above ``after_id``."""

    def between(self, session: str, topic: str, first: int, last: int, limit: int) -> list[Row]:
        """Rows by their ``seq``, both ends included, delivered or not, at most ``limit``."""

    def trim(self, max_rows: int, max_bytes: int, keep: Collection[int]) -> list[Row]:
        """Make room: delete the oldest delivered rows, then the oldest undelivered ones but those in ``keep``.

        Returns:
            The undelivered rows that were deleted.
        """

    def expire(self, before_ms: int) -> int:
        """Delete rows delivered before that time, whether or not it is certain when they were; returns how many."""

    def newest_delivery(self) -> int:
        """The time in ms of the newest delivery, certain or not; 0 where there is none."""

    def settle(self, by_ms: int, now_ms: int) -> None:
        """The clock is set: uncertain times shift by ``by_ms`` and are certain, and none stays that is after now."""

    def redate(self, by_ms: int) -> None:
        """Shift the certain times of deliveries: the clock by which they were noted has been set anew."""

    def purge(self, topic: str) -> int:
        """Delete all rows of a topic; returns how many."""

    def save_session(self, session: StoredSession) -> None:
        """Remember a run, or what has changed about it; forget runs of which nothing is held any more."""

    def sessions(self) -> list[StoredSession]:
        """The remembered runs, oldest first."""

    def last_delivered(self) -> dict[tuple[str, str], int]:
        """The highest delivered ``seq`` by session and topic."""

    def totals(self) -> Totals:
        """What it holds."""

    def last_id(self) -> int:
        """The highest row id, 0 where there is none."""

    def close(self) -> None:
        """Let go of the medium."""


class StoreError(Exception):
    """The medium under a store fails: full, broken, taken by someone else, or holding garbage.

    Args:
        reason: What happened, in words.
        corrupt: Whether what is stored can no longer be read.
        usable: Whether the same store may be tried again; otherwise it must be opened anew.
    """

    def __init__(self, reason: str, *, corrupt: bool = False, usable: bool = False) -> None:
        super().__init__(reason)
        self.corrupt, self.usable = corrupt, usable


class MemoryStore:
    """A :class:`Store` that lasts as long as the process."""

    def __init__(self) -> None:
        self._rows: dict[int, Row] = {}
        self._delivered_ms: dict[int, int] = {}
        self._sessions: dict[str, StoredSession] = {}
        self._bytes = 0

    def write(self, rows: Sequence[Row], delivered: Sequence[tuple[int, int]]) -> None:
        """See :class:`Store`."""
        newest = next(reversed(self._rows), 0)
        for row in rows:
            self._rows[row.id] = row
            self._bytes += row.cost_bytes
        if rows and rows[0].id < newest:  # rescued from a file that turned out to be corrupt
            self._rows = dict(sorted(self._rows.items()))
        self._delivered_ms.update((row_id, at_ms) for row_id, at_ms in delivered if row_id in self._rows)

    def undelivered(self, topic: str, after_id: int, limit: int) -> list[Row]:
        """See :class:`Store`."""
        found = (row for row in self._rows.values() if row.topic == topic and row.id > after_id)
        return list(islice((row for row in found if row.id not in self._delivered_ms), limit))

    def between(self, session: str, topic: str, first: int, last: int, limit: int) -> list[Row]:
        """See :class:`Store`."""
        found = (r for r in self._rows.values() if r.session == session and r.topic == topic and first <= r.seq <= last)
        return list(islice(found, limit))

    def trim(self, max_rows: int, max_bytes: int, keep: Collection[int]) -> list[Row]:
        """See :class:`Store`."""
        lost: list[Row] = []
        if len(self._rows) <= max_rows and self._bytes <= max_bytes:
            return lost
        for row_id in [*self._delivered_ms, *(i for i in self._rows if i not in self._delivered_ms and i not in keep)]:
            if len(self._rows) <= max_rows and self._bytes <= max_bytes:
                break
            if row_id not in self._delivered_ms:
                lost.append(self._rows[row_id])
            self._delete(row_id)
        return lost

    def expire(self, before_ms: int) -> int:
        """See :class:`Store`."""
        old = [row_id for row_id, at_ms in self._delivered_ms.items() if abs(at_ms) < before_ms]
        for row_id in old:
            self._delete(row_id)
        return len(old)

    def newest_delivery(self) -> int:
        """See :class:`Store`."""
        return max(map(abs, self._delivered_ms.values()), default=0)

    def settle(self, by_ms: int, now_ms: int) -> None:
        """See :class:`Store`."""
        for row_id, at_ms in self._delivered_ms.items():
            self._delivered_ms[row_id] = max(1, min(by_ms - at_ms if at_ms < 0 else at_ms, now_ms))

    def redate(self, by_ms: int) -> None:
        """See :class:`Store`."""
        for row_id, at_ms in self._delivered_ms.items():
            if at_ms > 0:
                self._delivered_ms[row_id] = max(1, at_ms + by_ms)

    def purge(self, topic: str) -> int:
        """See :class:`Store`."""
        found = [row.id for row in self._rows.values() if row.topic == topic]
        for row_id in found:
            self._delete(row_id)
        return len(found)

    def save_session(self, session: StoredSession) -> None:
        """See :class:`Store`."""
        needed = {row.session for row in self._rows.values()} | {session.id}
        self._sessions = {key: known for key, known in self._sessions.items() if key in needed} | {session.id: session}

    def sessions(self) -> list[StoredSession]:
        """See :class:`Store`."""
        return sorted(self._sessions.values())

    def last_delivered(self) -> dict[tuple[str, str], int]:
        """See :class:`Store`."""
        last: dict[tuple[str, str], int] = {}
        for row_id in self._delivered_ms:
            row = self._rows[row_id]
            key = (row.session, row.topic)
            last[key] = max(last.get(key, 0), row.seq)
        return last

    def totals(self) -> Totals:
        """See :class:`Store`."""
        return Totals(len(self._rows), self._bytes, len(self._rows) - len(self._delivered_ms))

    def last_id(self) -> int:
        """See :class:`Store`."""
        return max(self._rows, default=0)

    def close(self) -> None:
        """See :class:`Store`."""

    def holds(self, row_id: int) -> bool:
        """Whether it has that row."""
        return row_id in self._rows

    def drain(self) -> tuple[list[Row], list[tuple[int, int]]]:
        """Hand over everything: rows and deliveries, as :meth:`write` takes them. The store is empty afterwards."""
        rows, delivered = list(self._rows.values()), list(self._delivered_ms.items())
        self._rows, self._delivered_ms, self._bytes = {}, {}, 0
        return rows, delivered

    def _delete(self, row_id: int) -> None:
        self._bytes -= self._rows.pop(row_id).cost_bytes
        self._delivered_ms.pop(row_id, None)
