"""How long to wait before the next attempt, so that a school's devices do not all come back at once."""

from __future__ import annotations

import random
from collections.abc import Callable


class Backoff:
    """Exponential backoff with full jitter (Brooker 2015, "Exponential Backoff And Jitter").

    Attempt ``n`` waits ``floor_s`` plus a time drawn evenly between 0 and the smaller of ``cap_s`` and
    ``base_s * 2**n``.
    """

    def __init__(
        self, base_s: float, cap_s: float, floor_s: float = 0.0, draw: Callable[[], float] = random.random
    ) -> None:
        self._base_s, self._cap_s, self._floor_s, self._draw = base_s, cap_s, floor_s, draw
        self._attempts = 0

    def next(self) -> float:
        """Seconds to wait before the next attempt."""
        reach = min(self._cap_s, self._base_s * 2.0 ** min(self._attempts, 32))
        self._attempts += 1
        return self._floor_s + reach * self._draw()

    def reset(self) -> None:
        """Start again from the shortest wait: an attempt has succeeded."""
        self._attempts = 0
