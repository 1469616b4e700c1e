"""Topics that a device subscribes to besides its own, for as long as it needs them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from typing import NamedTuple


class SubscriptionChanges(NamedTuple):
    """Topic filters to subscribe to and to unsubscribe from."""

    subscribe: list[str]
    unsubscribe: list[str]


class DynamicSubscriptions:
    """Topic filters that may be changed at any time, from any thread.

    Args:
        wake: Called when they have been changed.
    """

    def __init__(self, wake: Callable[[], None] = lambda: None) -> None:
        self._wake = wake
        self._lock = threading.Lock()
        self._wanted: frozenset[str] = frozenset()
        self._subscribed: frozenset[str] = frozenset()

    def replace(self, filters: Collection[str]) -> None:
        """From now on these filters, and no others."""
        with self._lock:
            self._wanted = frozenset(filters)
        self._wake()

    def connected(self) -> None:
        """A new connection: everything is to be subscribed to anew, which brings retained messages again."""
        with self._lock:
            self._subscribed = frozenset()

    def take_changes(self) -> SubscriptionChanges:
        """What has changed since the last call; counts as done."""
        with self._lock:
            new, old = self._wanted - self._subscribed, self._subscribed - self._wanted
            self._subscribed = self._wanted
        return SubscriptionChanges(sorted(new), sorted(old))
