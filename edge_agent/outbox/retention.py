"""How long delivered events stay at hand for who asks for them again: by which time they grow old.

The wall clock alone would not do. A device without a battery for its clock starts months behind or years ahead, and an
event delivered then must neither expire when the clock is set nor stay for ever. So age is counted on a time line of
the outbox's own, which never jumps: it goes on from the newest delivery in the store by the time that passes while the
agent runs. Once the clock is known to be set, it becomes the time line, and what was dated without it moves along.

A pause between two runs counts where the clock was set before and after it, otherwise not, for nobody knows how long it
was; nor does what an unset clock's run does after its last delivery. No age is overestimated.
"""

from __future__ import annotations

from edge_agent.clock import Clock
from edge_agent.outbox.fallback_store import FallbackStore

_EXPIRE_EVERY_S = 600.0
_CLOCK_STEP_S = 60.0


class Retention:
    """Dates deliveries and deletes those that were kept long enough. The thread that uses the store uses this too.

    Args:
        store: What holds the deliveries.
        clock: Passes the time, and dates once it is set.
        keep_s: How long a delivered event is kept.
    """

    def __init__(self, store: FallbackStore, clock: Clock, keep_s: float) -> None:
        self._store, self._clock, self._keep_s = store, clock, keep_s
        self._certain = False
        self._ahead_s = -clock.monotonic()  # of the time line before monotonic time
        self._next_expiry = clock.monotonic()
        self.opened()

    def opened(self) -> None:
        """A file has come into reach: nothing happens from now on that is older than what it holds."""
        behind_s = self._store.newest_delivery() / 1000 - self._now_s()
        if not self._certain and behind_s > 0:
            self._ahead_s += behind_s

    def date(self) -> int:
        """What is noted of a delivery that happens now, as :meth:`~edge_agent.outbox.store.Store.write` takes it."""
        now_ms = max(1, round(self._now_s() * 1000))
        return now_ms if self._certain else -now_ms

    def turn(self) -> None:
        """Look at the clock, and every ten minutes for what has expired."""
        if self._clock.synced() and self._store.storage != "degraded":  # a failing disk could not be dated anew
            self._follow(self._clock.wall() - self._clock.monotonic())
        if self._clock.monotonic() >= self._next_expiry:
            self._store.expire(round((self._now_s() - self._keep_s) * 1000))
            self._next_expiry = self._clock.monotonic() + _EXPIRE_EVERY_S

    def _follow(self, ahead_s: float) -> None:
        """Take over the clock where it has just become certain, or was stepped."""
        by_s = ahead_s - self._ahead_s
        if not self._certain:
            self._store.settle(round(by_s * 1000), round((self._clock.monotonic() + ahead_s) * 1000))
        elif abs(by_s) >= _CLOCK_STEP_S:
            self._store.redate(round(by_s * 1000))
        else:
            return
        if self._store.storage != "degraded":
            self._certain, self._ahead_s = True, ahead_s

    def _now_s(self) -> float:
        return self._clock.monotonic() + self._ahead_s
