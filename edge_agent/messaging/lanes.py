"""Rows ready to be sent: one lane a topic, so that a topic the broker refuses does not hold up the others."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from edge_agent.messaging.store import Row


@dataclass(slots=True)
class _Lane:
    """Undelivered rows of one topic in order. ``behind``: the store holds more after ``loaded_id``."""

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
        """What to load from the store: topic, id after which, how many rows."""
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
        """The next rows to send in the order of their ids, leaving topics in ``held`` alone."""
        taken: list[Row] = []
        while len(taken) < limit:
            if self._resends and self._resends[0].topic not in held:
                taken.append(self._resends.popleft())
                continue
            heads = [lane for topic, lane in self._lanes.items() if lane.rows and topic not in held]
            if not heads:
                break
            taken.append(min(heads, key=lambda lane: lane.rows[0].id).rows.popleft())
        return taken

    def put_back(self, rows: Sequence[Row]) -> None:
        """Rows that were taken and not acknowledged take their old place in the order again."""
        self._resends = _in_order(self._resends, (row for row in rows if row.resent))
        for topic, lane in self._lanes.items():
            lane.rows = _in_order(lane.rows, (row for row in rows if row.topic == topic and not row.resent))

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
