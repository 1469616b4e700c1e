"""What messaging has done: for health reports, watchdogs and the demo's report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class MessengerCounters:
    """What messaging has done since it was started.

    Attributes:
        connected: Whether messages are flowing to the broker.
        connections: How often a connection was made.
        accepted: Events stored in the outbox.
        delivered: Events acknowledged by the broker, by topic.
        resent: Events sent again because a subscriber asked.
        pending: Events stored and not yet acknowledged, those of earlier runs included.
        in_flight: Messages of any kind sent and not yet acknowledged.
        lost: Events given up because the outbox was full.
        kept_bytes: Size of everything in the outbox.
        storage: ``disk``, ``memory`` (as configured) or ``degraded`` (the disk fails).
        stalled: Whether the disk under the outbox does not answer.
        set_aside: Corrupt outbox files set aside.
        denied: Topics on which the broker refuses messages.
        twins: How often another device was seen to use this device's id.
        outbox_turned_at: Monotonic seconds at which the outbox's thread last went round.
        publisher_turned_at: Monotonic seconds at which the publisher's thread last went round.
    """

    connected: bool
    connections: int
    accepted: int
    delivered: dict[str, int]
    resent: int
    pending: int
    in_flight: int
    lost: int
    kept_bytes: int
    storage: Literal["disk", "memory", "degraded"]
    stalled: bool
    set_aside: int
    denied: tuple[str, ...]
    twins: int
    outbox_turned_at: float
    publisher_turned_at: float

    def problems(self) -> tuple[str, ...]:
        """Short words for what is wrong with messaging, as ``health`` carries them."""
        found = {
            "outbox_degraded": self.storage == "degraded",
            "outbox_stalled": self.stalled,
            "outbox_set_aside": self.set_aside > 0,
            "events_lost": self.lost > 0,
            "publish_denied": bool(self.denied),
            "device_id_in_use_twice": self.twins > 0,
        }
        return tuple(word for word, applies in found.items() if applies)
