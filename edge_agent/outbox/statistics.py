"""What the outbox has done and what it stores, in numbers."""

from __future__ import annotations

from dataclasses import dataclass

from edge_agent.outbox.store import Storage


@dataclass(frozen=True, slots=True)
class OutboxStatistics:
    """What the outbox has done since the process started, and what it stores.

    Attributes:
        storage: ``disk``, ``memory`` (as configured) or ``degraded`` (the disk fails).
        accepted: Events stored.
        delivered: Events acknowledged by the broker, by topic.
        resent: Events sent again on request and acknowledged.
        pending: Events stored and not acknowledged, those of earlier runs included.
        kept_bytes: Size of everything stored.
        lost: Events deleted unsent: the oldest ones when the outbox was full, or when even memory was, for a slow disk;
            and those that a damaged file held.
        quarantined: Corrupt files moved to quarantine.
        damaged_rows: Damaged events quarantined in a file that is sound otherwise.
        turned_at: Monotonic seconds at which the writer thread last began a turn of its loop.
        stalled: Whether the next turn is overdue: the disk does not answer.
    """

    storage: Storage
    accepted: int
    delivered: dict[str, int]
    resent: int
    pending: int
    kept_bytes: int
    lost: int
    quarantined: int
    damaged_rows: int
    turned_at: float
    stalled: bool
