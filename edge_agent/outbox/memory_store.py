"""The outbox in memory: by choice, or while the disk fails."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import islice

from edge_agent.outbox.store import Delivery, Row, StoredSession, Totals


class MemoryStore:
    """A :class:`~edge_agent.outbox.store.Store` that lasts as long as the process."""

    def __init__(self) -> None:
        self._rows: dict[int, Row] = {}
        self._delivered: dict[int, Delivery] = {}
        self._sessions: dict[str, StoredSession] = {}
        self._bytes = 0

    def write(self, rows: Sequence[Row], delivered: Sequence[Delivery]) -> None:
        """Add rows and note deliveries. Unknown ids are ignored."""
        newest = next(reversed(self._rows), 0)
        for row in rows:
            self._rows[row.id] = row
            self._bytes += row.cost_bytes
        if rows and rows[0].id < newest:  # rescued from a file that turned out to be corrupt
            self._rows = dict(sorted(self._rows.items()))
        self._delivered.update((delivery.row_id, delivery) for delivery in delivered if delivery.row_id in self._rows)

    def undelivered(self, topic: str, after_id: int, limit: int) -> list[Row]:
        """The oldest undelivered rows of a topic with an id above ``after_id``."""
        found = (row for row in self._rows.values() if row.topic == topic and row.id > after_id)
        return list(islice((row for row in found if row.id not in self._delivered), limit))

    def between(self, session: str, topic: str, first: int, last: int, limit: int) -> list[Row]:
        """Rows by their ``seq``, both ends included, delivered or not, at most ``limit``."""
        found = (r for r in self._rows.values() if r.session == session and r.topic == topic and first <= r.seq <= last)
        return list(islice(found, limit))

    def trim(self, max_rows: int, max_bytes: int, keep: Collection[int]) -> list[Row]:
        """Delete the oldest delivered rows, then the oldest undelivered ones, which it returns."""
        lost: list[Row] = []
        if len(self._rows) <= max_rows and self._bytes <= max_bytes:
            return lost
        for row_id in [*self._delivered, *(i for i in self._rows if i not in self._delivered and i not in keep)]:
            if len(self._rows) <= max_rows and self._bytes <= max_bytes:
                break
            if row_id not in self._delivered:
                lost.append(self._rows[row_id])
            self._delete(row_id)
        return lost

    def expire(self, before_ms: int) -> int:
        """Delete rows delivered before that time; returns how many."""
        old = [row_id for row_id, delivery in self._delivered.items() if delivery.at_ms < before_ms]
        for row_id in old:
            self._delete(row_id)
        return len(old)

    def newest_delivery(self) -> int:
        """The time in ms of the newest delivery; 0 where there is none."""
        return max((delivery.at_ms for delivery in self._delivered.values()), default=0)

    def resolve_times(self, by_ms: int, now_ms: int) -> None:
        """Shift the deliveries of an unset clock by ``by_ms``; leave none after ``now_ms``."""
        for row_id, delivery in self._delivered.items():
            at_ms = delivery.at_ms if delivery.clock_synced else delivery.at_ms + by_ms
            self._delivered[row_id] = Delivery(row_id, max(1, min(at_ms, now_ms)), clock_synced=True)

    def shift_times(self, by_ms: int) -> None:
        """Shift the deliveries of a set clock."""
        for row_id, delivery in self._delivered.items():
            if delivery.clock_synced:
                self._delivered[row_id] = delivery._replace(at_ms=max(1, delivery.at_ms + by_ms))

    def purge(self, topic: str) -> int:
        """Delete all rows of a topic; returns how many."""
        found = [row.id for row in self._rows.values() if row.topic == topic]
        for row_id in found:
            self._delete(row_id)
        return len(found)

    def save_session(self, session: StoredSession) -> None:
        """Remember a run; forget runs of which no row is stored any more."""
        needed = {row.session for row in self._rows.values()} | {session.id}
        self._sessions = {key: known for key, known in self._sessions.items() if key in needed} | {session.id: session}

    def sessions(self) -> list[StoredSession]:
        """The remembered runs, oldest first."""
        return sorted(self._sessions.values())

    def last_delivered(self) -> dict[tuple[str, str], int]:
        """The highest delivered ``seq`` by session and topic."""
        last: dict[tuple[str, str], int] = {}
        for row_id in self._delivered:
            row = self._rows[row_id]
            key = (row.session, row.topic)
            last[key] = max(last.get(key, 0), row.seq)
        return last

    def totals(self) -> Totals:
        """What it holds."""
        return Totals(len(self._rows), self._bytes, len(self._rows) - len(self._delivered))

    def last_id(self) -> int:
        """The highest row id, 0 where there is none."""
        return max(self._rows, default=0)

    def close(self) -> None:
        """Do nothing: there is no medium to close."""

    def holds(self, row_id: int) -> bool:
        """Whether it has that row."""
        return row_id in self._rows

    def drain(self) -> tuple[list[Row], list[Delivery]]:
        """Hand over everything: rows and deliveries, as :meth:`write` takes them. The store is empty afterwards."""
        rows, delivered = list(self._rows.values()), list(self._delivered.values())
        self._rows, self._delivered, self._bytes = {}, {}, 0
        return rows, delivered

    def _delete(self, row_id: int) -> None:
        self._bytes -= self._rows.pop(row_id).cost_bytes
        self._delivered.pop(row_id, None)
