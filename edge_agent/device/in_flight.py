"""Which messages are on their way to the broker and not yet acknowledged."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")


class Window(Generic[T]):
    """At most ``limit`` messages in flight on one connection, by the packet id the connection gave them."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waiting: dict[int, T] = {}
        self._progress_at = 0.0

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def room(self) -> int:
        """How many more may be sent now."""
        return max(0, self._limit - len(self._waiting))

    def sent(self, packet_id: int, message: T, now: float) -> None:
        """A message has been handed to the connection."""
        if not self._waiting:
            self._progress_at = now
        self._waiting[packet_id] = message

    def acknowledged(self, packet_id: int, now: float) -> T | None:
        """The broker has answered; returns what it answered about, ``None`` for something nobody waits for."""
        self._progress_at = now
        return self._waiting.pop(packet_id, None)

    def silent_for(self, now: float) -> float:
        """Seconds since the broker last acknowledged anything while something was waiting; 0 where nothing is."""
        return now - self._progress_at if self._waiting else 0.0

    def take_all(self) -> list[T]:
        """Everything still waiting, in the order it was sent; the window is empty afterwards."""
        waiting = list(self._waiting.values())
        self._waiting.clear()
        return waiting
