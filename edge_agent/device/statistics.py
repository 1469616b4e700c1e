"""What messaging has done: for health reports, watchdogs and the demo's report."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from edge_agent.device.duplicate_ids import DuplicateIdDetector
from edge_agent.device.topic_backoff import TopicBackoff
from edge_agent.outbox.outbox import Outbox
from edge_agent.outbox.statistics import OutboxStatistics


@dataclass(slots=True)
class PublisherState:
    """What the publisher is doing. Its thread writes this, and any thread may read it.

    Attributes:
        connected: Whether messages are flowing to the broker.
        connections: How often a connection was made.
        turned_at: Monotonic seconds at which the thread last went round. It does so while it waits for the network as
            well: dead name servers are no reason to start a healthy agent again.
    """

    connected: bool = False
    connections: int = 0
    turned_at: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, slots=True)
class PublisherStatistics:
    """What the publisher has done since it was started.

    Attributes:
        connected: Whether messages are flowing to the broker.
        connections: How often a connection was made.
        denied: Topics on which the broker refuses messages.
        turned_at: Monotonic seconds at which the publisher's thread last went round.
    """

    connected: bool
    connections: int
    denied: tuple[str, ...]
    turned_at: float


@dataclass(frozen=True, slots=True)
class MessengerStatistics:
    """What messaging has done since it was started.

    Attributes:
        publisher: The connection to the broker.
        outbox: The events, stored and delivered.
        duplicate_ids: How often another device was seen to use this device's id.
        in_use_twice: Whether one was seen lately.
    """

    publisher: PublisherStatistics
    outbox: OutboxStatistics
    duplicate_ids: int
    in_use_twice: bool = False

    def problems(self) -> tuple[str, ...]:
        """Short words for what is wrong with messaging, as ``health`` carries them."""
        found = {
            "outbox_degraded": self.outbox.storage == "degraded",
            "outbox_stalled": self.outbox.stalled,
            "outbox_set_aside": self.outbox.quarantined > 0 or self.outbox.damaged_rows > 0,
            "events_lost": self.outbox.lost > 0,
            "publish_denied": bool(self.publisher.denied),
            "device_id_in_use_twice": self.in_use_twice,
        }
        return tuple(word for word, applies in found.items() if applies)


class StatisticsCollector:
    """Puts the statistics of messaging's parts together; any thread may ask."""

    def __init__(
        self,
        publisher: PublisherState,
        topic_backoff: TopicBackoff,
        outbox: Outbox,
        duplicate_ids: DuplicateIdDetector,
    ) -> None:
        self._publisher, self._topic_backoff = publisher, topic_backoff
        self._outbox, self._duplicate_ids = outbox, duplicate_ids

    def collect(self) -> MessengerStatistics:
        """What has been done so far."""
        state = self._publisher
        publisher = PublisherStatistics(state.connected, state.connections, self._topic_backoff.denied, state.turned_at)
        others = self._duplicate_ids
        return MessengerStatistics(publisher, self._outbox.statistics(), others.count, others.in_use_twice)
