"""The rows that are sent next: one queue head per topic, so that a topic the broker refuses does not block the others.

Rows leave in the order in which they were accepted, whatever their topic. Rows that only the store holds count too: a
row waits until no other topic can have an older one there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import NamedTuple

from edge_agent.outbox.store import Row


@dataclass(slots=True)
class _QueueHead:
    """The oldest undelivered rows of one topic, in order.

    Attributes:
        rows: What is in memory.
        loaded_id: The highest id that has been in ``rows``.
        behind: Whether the store may hold more rows, all of them with ids above ``loaded_id``.
    """

    rows: deque[Row] = field(default_factory=deque)
    loaded_id: int = 0
    behind: bool = True


class LoadRequest(NamedTuple):
    """Rows to load from the store: undelivered ones of a topic, with ids above ``after_id``, at most ``limit``."""

    topic: str
    after_id: int
    limit: int


class QueueHeads:
    """The oldest undelivered rows, in memory. The rest stays in the store and is loaded when there is space.

    Args:
        topics: Names of the topics.
        capacity: Rows held for each topic before the rest is left in the store.
    """

    def __init__(self, topics: Sequence[str], capacity: int) -> None:
        self._heads = {topic: _QueueHead() for topic in topics}
        self._capacity = capacity
        self._resends: deque[Row] = deque()

    @property
    def resending(self) -> int:
        """How many rows wait to be sent again."""
        return len(self._resends)

    def stored(self, rows: Iterable[Row]) -> None:
        """Add rows that have just been stored, unless their queue head is full or behind."""
        for row in rows:
            head = self._heads[row.topic]
            if head.behind or len(head.rows) >= self._capacity:
                head.behind = True
            else:
                head.rows.append(row)
                head.loaded_id = row.id

    def load_requests(self) -> list[LoadRequest]:
        """What to load from the store.

        Nothing may be stored before the answers have been given to :meth:`loaded`.
        """
        return [
            LoadRequest(topic, head.loaded_id, self._capacity - len(head.rows))
            for topic, head in self._heads.items()
            if head.behind and len(head.rows) <= self._capacity // 2
        ]

    def loaded(self, topic: str, rows: Sequence[Row], asked: int, skip: Collection[int] = ()) -> None:
        """Add the store's answer to :meth:`load_requests`. Fewer rows than asked for: the store has no more.

        Args:
            topic: The topic that was asked for.
            rows: What the store has.
            asked: How many rows it was asked for.
            skip: Ids of rows that are in flight already.
        """
        head = self._heads[topic]
        head.rows.extend(row for row in rows if row.id not in skip)
        head.loaded_id = rows[-1].id if rows else head.loaded_id
        head.behind = len(rows) >= asked

    def resend(self, rows: Iterable[Row]) -> None:
        """Add rows that a subscriber asked for again. They go before everything else."""
        self._resends.extend(rows)

    def take(self, limit: int, skip_topics: Collection[str]) -> list[Row]:
        """The next rows to send in the order of their ids, none of ``skip_topics``.

        Fewer than there are where an older row may be in the store; see :meth:`load_requests`.
        """
        taken = [row for row in self._resends if row.topic not in skip_topics][:limit]
        if taken:
            again = {id(row) for row in taken}
            self._resends = deque(row for row in self._resends if id(row) not in again)
        heads = [head for topic, head in self._heads.items() if topic not in skip_topics]
        known_to = min((head.loaded_id for head in heads if head.behind), default=inf)
        while len(taken) < limit:
            ready = [head for head in heads if head.rows and head.rows[0].id <= known_to]
            if not ready:
                break
            taken.append(min(ready, key=lambda head: head.rows[0].id).rows.popleft())
        return taken

    def put_back(self, rows: Sequence[Row]) -> None:
        """Put rows that were taken and not acknowledged back into their old place in the order.

        Rows that their queue head has not loaded yet are left out: they come from the store, in their order.
        """
        self._resends = _in_order(self._resends, (row for row in rows if row.resent))
        for topic, head in self._heads.items():
            back = (row for row in rows if row.topic == topic and not row.resent)
            head.rows = _in_order(head.rows, (row for row in back if not head.behind or row.id <= head.loaded_id))

    def reload(self) -> None:
        """Begin again from what the store has: rows in it have been out of reach."""
        self._heads = {topic: _QueueHead() for topic in self._heads}

    def waiting(self) -> list[Row]:
        """Every undelivered row held here, in no particular order."""
        return [row for head in self._heads.values() for row in head.rows]

    def waiting_count(self) -> int | None:
        """How many undelivered rows are held here; ``None`` where the store may hold more."""
        if any(head.behind for head in self._heads.values()):
            return None
        return sum(len(head.rows) for head in self._heads.values())

    def discard(self, ids: Collection[int]) -> None:
        """Forget rows that the store has deleted to make space."""
        for head in self._heads.values():
            head.rows = deque(row for row in head.rows if row.id not in ids)


def _in_order(rows: Iterable[Row], more: Iterable[Row]) -> deque[Row]:
    return deque(sorted([*rows, *more], key=lambda row: row.id))
