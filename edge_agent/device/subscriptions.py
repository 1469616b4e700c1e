"""What a device wants to hear besides its own topics, for as long as it wants to."""

from __future__ import annotations

import threading
from collections.abc import Collection


class Interests:
    """Topics to be subscribed to. What is wanted may be changed from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wanted: frozenset[str] = frozenset()
        self._subscribed: frozenset[str] = frozenset()

    def want(self, filters: Collection[str]) -> None:
        """From now on these, and no others."""
        with self._lock:
            self._wanted = frozenset(filters)

    def connected(self) -> None:
        """A new connection: everything is to be subscribed to anew, which brings retained messages again."""
        with self._lock:
            self._subscribed = frozenset()

    def changes(self) -> tuple[list[str], list[str]]:
        """What to subscribe to and what to unsubscribe from now; counts as done."""
        with self._lock:
            new, old = self._wanted - self._subscribed, self._subscribed - self._wanted
            self._subscribed = self._wanted
        return sorted(new), sorted(old)
