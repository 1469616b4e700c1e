"""What messaging has done: for health reports, watchdogs and the demo's report."""

from __future__ import annotations

from dataclasses import dataclass

from edge_agent.outbox.outbox import OutboxStatistics


@dataclass(frozen=True, slots=True)
class PublisherStatistics:
    """What the publisher has done since it was started.

    Attributes:
        connected: Whether messages are flowing to the broker.
        connections: How often a connection was made.
        in_flight: Messages of any kind sent and not yet acknowledged.
        denied: Topics on which the broker refuses messages.
        turned_at: Monotonic seconds at which the publisher's thread last went round.
    """

    connected: bool
    connections: int
    in_flight: int
    denied: tuple[str, ...]
    turned_at: float


@dataclass(frozen=True, slots=True)
class MessengerStatistics:
    """What messaging has done since it was started.

    Attributes:
        publisher: The connection to the broker.
        outbox: The events, stored and delivered.
        duplicate_ids: How often another device was seen to use this device's id.
    """

    publisher: PublisherStatistics
    outbox: OutboxStatistics
    duplicate_ids: int

    def problems(self) -> tuple[str, ...]:
        """Short words for what is wrong with messaging, as ``health`` carries them."""
        found = {
            "outbox_degraded": self.outbox.storage == "degraded",
            "outbox_stalled": self.outbox.stalled,
            "outbox_set_aside": self.outbox.quarantined > 0,
            "events_lost": self.outbox.lost > 0,
            "publish_denied": bool(self.publisher.denied),
            "device_id_in_use_twice": self.duplicate_ids > 0,
        }
        return tuple(word for word, applies in found.items() if applies)
