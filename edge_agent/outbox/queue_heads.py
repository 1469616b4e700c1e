"""Rows ready to be sent: one lane a topic, so that a topic the broker refuses does not hold up the others.

Rows leave in the order in which they were accepted, whatever their topic. What the store still holds of a lane counts:
a row waits until no other lane can have an older one there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from math import inf

from edge_agent.outbox.store import Row


@dataclass(slots=True)
class _Lane:
    """Undelivered rows of one topic in order. ``behind``: the store may hold more, all of them after ``loaded_id``."""

    rows: deque[Row] = field(default_factory=deque)
    loaded_id: int = 0
    behind: bool = True


class Lanes:
    """The head of the queue, in memory; the rest stays in the store and is loaded as room appears.

    Args:
        topics: Names of the topics.
        capacity: Rows a lane holds before it leaves the rest in the store.
    """

    def __init__(self, topics: Sequence[str], capacity: int) -> None:
        self._lanes = {topic: _Lane() for topic in topics}
        self._capacity = capacity
        self._resends: deque[Row] = deque()

    @property
    def resending(self) -> int:
        """How many rows wait to be sent again."""
        return len(self._resends)

    def stored(self, rows: Iterable[Row]) -> None:
        """Rows have been stored: they join their lane, unless the lane is full or behind."""
        for row in rows:
            lane = self._lanes[row.topic]
            if lane.behind or len(lane.rows) >= self._capacity:
                lane.behind = True
            else:
                lane.rows.append(row)
                lane.loaded_id = row.id

    def wanting(self) -> list[tuple[str, int, int]]:
        """What to load from the store: topic, id after which, how many rows.

        Nothing may be stored before the answer has been given to :meth:`loaded`.
        """
        return [
            (topic, lane.loaded_id, self._capacity - len(lane.rows))
            for topic, lane in self._lanes.items()
            if lane.behind and len(lane.rows) <= self._capacity // 2
        ]

    def loaded(self, topic: str, rows: Sequence[Row], asked: int, skip: Collection[int] = ()) -> None:
        """The store's answer to :meth:`wanting`; fewer rows than asked for means that the lane has caught up.

        Args:
            topic: The lane.
            rows: What the store has.
            asked: How many rows it was asked for.
            skip: Ids of rows that are under way already.
        """
        lane = self._lanes[topic]
        lane.rows.extend(row for row in rows if row.id not in skip)
        lane.loaded_id = rows[-1].id if rows else lane.loaded_id
        lane.behind = len(rows) >= asked

    def resend(self, rows: Iterable[Row]) -> None:
        """Rows a subscriber asked for again; they go before everything else."""
        self._resends.extend(rows)

    def take(self, limit: int, held: Collection[str]) -> list[Row]:
        """The next rows to send in the order of their ids, leaving topics in ``held`` alone.

        Fewer than there are where an older row may be in the store; see :meth:`wanting`.
        """
        taken = [row for row in self._resends if row.topic not in held][:limit]
        if taken:
            again = {id(row) for row in taken}
            self._resends = deque(row for row in self._resends if id(row) not in again)
        lanes = [lane for topic, lane in self._lanes.items() if topic not in held]
        known_to = min((lane.loaded_id for lane in lanes if lane.behind), default=inf)
        while len(taken) < limit:
            heads = [lane for lane in lanes if lane.rows and lane.rows[0].id <= known_to]
            if not heads:
                break
            taken.append(min(heads, key=lambda lane: lane.rows[0].id).rows.popleft())
        return taken

    def put_back(self, rows: Sequence[Row]) -> None:
        """Rows that were taken and not acknowledged take their old place in the order again.

        Those that the lane has yet to load come with what lies before them in the store.
        """
        self._resends = _in_order(self._resends, (row for row in rows if row.resent))
        for topic, lane in self._lanes.items():
            back = (row for row in rows if row.topic == topic and not row.resent)
            lane.rows = _in_order(lane.rows, (row for row in back if not lane.behind or row.id <= lane.loaded_id))

    def reload(self) -> None:
        """Begin again from what the store has: rows in it have been out of reach."""
        self._lanes = {topic: _Lane() for topic in self._lanes}

    def waiting(self) -> list[Row]:
        """Every undelivered row held here, in no particular order."""
        return [row for lane in self._lanes.values() for row in lane.rows]

    def discard(self, ids: Collection[int]) -> None:
        """Forget rows that the store has given up."""
        for lane in self._lanes.values():
            lane.rows = deque(row for row in lane.rows if row.id not in ids)


def _in_order(rows: Iterable[Row], more: Iterable[Row]) -> deque[Row]:
    return deque(sorted([*rows, *more], key=lambda row: row.id))
