"""How long delivered events are kept for subscribers that ask for them again.

The wall clock alone would not do. A device without a battery for its clock starts months behind or years ahead. An
event delivered then must neither expire when the clock is set nor stay for ever. So age is counted on the outbox's own
time line, which never jumps. It goes on from the newest delivery in the store by the time that passes while the agent
runs. Once the clock is set, the clock becomes the time line, and the deliveries noted before are shifted with it.

A pause between two runs counts only where the clock was set before and after it; otherwise nobody knows how long it
was. What the run of an unset clock does after its last delivery does not count either. No age is overestimated.
"""

from __future__ import annotations

from collections.abc import Iterable

from edge_agent.clock import Clock
from edge_agent.outbox.fallback_store import FallbackStore
from edge_agent.outbox.store import Delivery

_EXPIRE_EVERY_S = 600.0
_CLOCK_STEP_S = 60.0


class Retention:
    """Gives deliveries their time and deletes those that were kept long enough. Belongs to the store's thread.

    Args:
        store: Where the deliveries are noted.
        clock: Measures the time that passes, and gives the time once it is set.
        keep_s: How long a delivered event is kept.
    """

    def __init__(self, store: FallbackStore, clock: Clock, keep_s: float) -> None:
        self._store, self._clock, self._keep_s = store, clock, keep_s
        self._clock_synced = False
        self._ahead_s = -clock.monotonic()  # of the time line before monotonic time
        self._next_expiry = clock.monotonic()
        self.opened()

    def opened(self) -> None:
        """A file was opened: nothing that happens from now on is older than what it holds."""
        behind_s = self._store.newest_delivery() / 1000 - self._now_s()
        if not self._clock_synced and behind_s > 0:
            self._ahead_s += behind_s

    def deliveries(self, row_ids: Iterable[int]) -> list[Delivery]:
        """Deliveries of these rows that happen now."""
        now_ms = max(1, round(self._now_s() * 1000))
        return [Delivery(row_id, now_ms, self._clock_synced) for row_id in row_ids]

    def turn(self) -> None:
        """Look at the clock, and every ten minutes for what has expired."""
        if self._clock.synced() and self._store.storage != "degraded":  # on a failing disk no time can be changed
            self._follow_clock(self._clock.wall() - self._clock.monotonic())
        if self._clock.monotonic() >= self._next_expiry:
            self._store.expire(round((self._now_s() - self._keep_s) * 1000))
            self._next_expiry = self._clock.monotonic() + _EXPIRE_EVERY_S

    def _follow_clock(self, ahead_s: float) -> None:
        """Make the clock the time line when it has just been set, or stepped."""
        by_s = ahead_s - self._ahead_s
        if not self._clock_synced:
            self._store.resolve_times(round(by_s * 1000), round((self._clock.monotonic() + ahead_s) * 1000))
        elif abs(by_s) >= _CLOCK_STEP_S:
            self._store.shift_times(round(by_s * 1000))
        else:
            return
        if self._store.storage != "degraded":
            self._clock_synced, self._ahead_s = True, ahead_s

    def _now_s(self) -> float:
        return self._clock.monotonic() + self._ahead_s
