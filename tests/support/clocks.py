"""A clock in the test's hand."""

from __future__ import annotations


class SteppedClock:
    """Time that passes only when advanced; the wall clock can be set apart from it."""

    def __init__(self, wall: float = 1_700_000_000.0, *, synced: bool = True) -> None:
        self._monotonic, self._offset = 1000.0, wall - 1000.0
        self.is_synced = synced

    def monotonic(self) -> float:
        """Seconds that never jump."""
        return self._monotonic

    def wall(self) -> float:
        """Seconds since 1970."""
        return self._monotonic + self._offset

    def synced(self) -> bool:
        """Whether the wall clock counts as set."""
        return self.is_synced

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._monotonic += seconds

    def step_wall_to(self, wall: float) -> None:
        """Set the wall clock."""
        self._offset = wall - self._monotonic
