"""Which events of a stream have come, which must exist and have not, and when to ask for them."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from edge_agent.client.ranges import Ranges

_EVENTS_A_SECOND: Final = 500.0
_BURST: Final = 5000
_MAX_ANSWER: Final = 1000
"""Events that a device gives for one request."""


@dataclass(frozen=True, slots=True)
class Patience:
    """When a gap is asked for, in seconds.

    Attributes:
        grace_s: How long a number may be late before it counts as missing; a random part of as much again is added, so
            that many subscribers do not ask a device at the same moment.
        retry_s: Wait before asking again; doubles with each time that brought nothing.
        retry_cap_s: The longest such wait.
    """

    grace_s: float = 2.0
    retry_s: float = 15.0
    retry_cap_s: float = 300.0


class Allowance:
    """How many events may be asked for now, so that a subscriber that has missed much still gets what is new.

    Answers come through the same connection as live events, and a broker drops what waits too long. So a subscriber
    that comes to many devices that hold a day each asks some of them first.
    """

    def __init__(self) -> None:
        self._left, self._at = float(_BURST), 0.0

    def left(self, now: float) -> float:
        """How many events may be asked for; not above 0 where it is not yet time. Times are monotonic seconds."""
        if now > self._at:
            self._left = min(self._left + _EVENTS_A_SECOND * (now - self._at), _BURST)
            self._at = now
        return self._left

    def take(self, gaps: list[tuple[int, int]]) -> None:
        """These ranges have been asked for. A device gives at most a thousand events for one."""
        self._left -= sum(min(last - first + 1, _MAX_ANSWER) for first, last in gaps)


class Stream:
    """The numbers of one topic within one session.

    What came before its anchor is history and nobody's gap. Until it has one, a stream only collects.

    Args:
        patience: When to ask.
        draw: Random numbers from 0 to 1.
        whole: Whether all of the stream comes here. Of a part of it nothing can be missing.
    """

    def __init__(self, patience: Patience, draw: Callable[[], float] = random.random, *, whole: bool = True) -> None:
        self._patience, self._draw, self._whole = patience, draw, whole
        self._seen = Ranges()
        self._settled = Ranges()  # seen, or given up
        self._reported = Ranges()
        self._first_seen: int | None = None
        self._highest = 0
        self._anchor: int | None = None
        self._ask_at: float | None = None
        self._retry_s = patience.retry_s

    @property
    def anchored(self) -> bool:
        """Whether it is known from which number on nothing may be missing."""
        return self._anchor is not None

    def anchor(self, first: int, now: float) -> None:
        """From this number on everything is expected; only the first call counts, and none where only a part comes."""
        if self._anchor is None and self._whole:
            self._anchor = first
            self._schedule(now)

    def anchor_where_joined(self, now: float) -> None:
        """Expect everything from the first event seen on, or from what is known to exist where none was seen yet."""
        self.anchor(self._first_seen if self._first_seen is not None else self._highest + 1, now)

    def saw(self, seq: int, now: float) -> bool:
        """An event has come; whether it is the first time."""
        if seq in self._seen:
            return False
        self._seen.add(seq, seq)
        self._settled.add(seq, seq)
        self._first_seen = seq if self._first_seen is None else self._first_seen
        if seq < self._highest:  # asking helps: there may be more gaps than are asked for at once
            self._retry_s = self._patience.retry_s
        self._highest = max(self._highest, seq)
        self._schedule(now)
        return True

    def already_has(self, first: int, last: int) -> None:
        """These are known from before."""
        self._seen.add(first, last)
        self._settled.add(first, last)

    def exists(self, last: int, now: float) -> None:
        """The device has delivered events up to this number."""
        self._highest = max(self._highest, last)
        self._schedule(now)

    def give_up(self, first: int, last: int) -> bool:
        """The device no longer holds these; whether any of them was still missing."""
        missed = bool(self._settled.missing(first, last))
        self._settled.add(first, last)
        return missed

    def missing(self) -> list[tuple[int, int]]:
        """What must exist, has not come and has not been given up, as ranges with both ends included."""
        return [] if self._anchor is None else self._settled.missing(self._anchor, self._highest)

    def due(self, now: float) -> list[tuple[int, int]]:
        """What to ask for now; empty until the time has come."""
        if self._ask_at is None or now < self._ask_at:
            return []
        missing = self.missing()
        self._ask_at = now + self._retry_s if missing else None
        self._retry_s = min(2 * self._retry_s, self._patience.retry_cap_s) if missing else self._patience.retry_s
        return missing

    def newly_missing(self, ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """Those of the ranges that were not reported missing before; they are now."""
        fresh = [gap for first, last in ranges for gap in self._reported.missing(first, last)]
        for first, last in fresh:
            self._reported.add(first, last)
        return fresh

    def ask_soon(self, now: float) -> None:
        """The device is back, or has more to give: do not wait for the next retry."""
        self._retry_s, self._ask_at = self._patience.retry_s, None
        self._schedule(now)

    def _schedule(self, now: float) -> None:
        if self._ask_at is None and self.missing():
            self._ask_at = now + self._patience.grace_s * (1.0 + self._draw())
