"""Topics on which the broker has refused a message: left alone for a while, then tried again."""

from __future__ import annotations

from edge_agent.backoff import Backoff


class TopicBackoff:
    """Which topics are not to be used now.

    Args:
        base_s: Reach of the first wait, beyond ``floor_s``.
        cap_s: Reach of the longest.
        floor_s: Shortest wait.
    """

    def __init__(self, base_s: float, cap_s: float, floor_s: float) -> None:
        self._limits = base_s, cap_s, floor_s
        self._backoffs: dict[str, Backoff] = {}
        self._until: dict[str, float] = {}

    def refused(self, topic: str, now: float) -> bool:
        """The broker has refused a message; whether this is the first since it last took one on this topic."""
        first = topic not in self._backoffs
        backoff = self._backoffs.setdefault(topic, Backoff(*self._limits))
        if now >= self._until.get(topic, 0.0):
            self._until[topic] = now + backoff.next()
        return first

    def accepted(self, topic: str) -> bool:
        """The broker has taken a message; whether it had refused the topic before."""
        self._until.pop(topic, None)
        return self._backoffs.pop(topic, None) is not None

    def waiting(self, now: float) -> frozenset[str]:
        """The topics to leave alone now."""
        return frozenset(topic for topic, until in self._until.items() if now < until)

    @property
    def denied(self) -> tuple[str, ...]:
        """The topics the broker refused last time."""
        return tuple(self._backoffs)
