"""The contract of a store: what the outbox keeps its rows in, on disk or in memory."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, NamedTuple, Protocol, TypeAlias

ROW_OVERHEAD_BYTES = 100
"""What a row takes besides its payload, near enough to bound a file by."""

MESSAGE: Final = "message"
"""The topic of rows that hold their MQTT topic themselves: those of other programs."""

Storage: TypeAlias = Literal["disk", "memory", "degraded"]
"""Where rows are kept: on disk, in memory as configured, or in memory because the disk fails."""


@dataclass(frozen=True, slots=True)
class Row:
    """An accepted message.

    Attributes:
        id: Place in the order of acceptance, over all topics and sessions.
        topic: Name of its topic, for example ``expression``.
        session: The run that observed it.
        seq: Its number within session and topic.
        payload: The bytes that are published.
        mono_ms: When it was accepted, in milliseconds since its session began.
        wall_ms: The same by the wall clock, in milliseconds since 1970.
        resent: Whether it is sent because a subscriber asked for it again.
        reply_to: Who asked, where it is for that program alone.
    """

    id: int
    topic: str
    session: str
    seq: int
    payload: bytes
    mono_ms: int
    wall_ms: int
    resent: bool = False
    reply_to: str = ""

    @property
    def cost_bytes(self) -> int:
        """What it counts against the outbox's size."""
        return len(self.payload) + ROW_OVERHEAD_BYTES


class Delivery(NamedTuple):
    """The broker has acknowledged a row.

    Attributes:
        row_id: The row.
        at_ms: When, in milliseconds, always positive. Since 1970 where ``clock_synced``; elsewhere it has a meaning
            only in comparison with the other deliveries of the store.
        clock_synced: Whether the clock was set at that time.
    """

    row_id: int
    at_ms: int
    clock_synced: bool


class StoredSession(NamedTuple):
    """What is remembered of a run: its start in ms since 1970, whether the clock was set then, rows lost."""

    id: str
    started_ms: int
    clock_synced: bool
    lost: int


class Totals(NamedTuple):
    """What a store holds, delivered rows included except in ``pending``."""

    rows: int
    size_bytes: int
    pending: int


class Store(Protocol):
    """Keeps rows in the order of their ids. One thread uses it at a time.

    Methods raise :class:`StoreError` where the medium fails, and then have changed nothing.
    """

    def write(self, rows: Sequence[Row], delivered: Sequence[Delivery]) -> None:
        """Add rows and note deliveries, all or nothing. Unknown ids are ignored."""

    def undelivered(self, topic: str, after_id: int, limit: int) -> list[Row]:
        """The oldest undelivered rows of a topic with an id above ``after_id``."""

    def between(self, session: str, topic: str, first: int, last: int, limit: int) -> list[Row]:
        """Rows by their ``seq``, both ends included, delivered or not, at most ``limit``."""

    def trim(self, max_rows: int, max_bytes: int, keep: Collection[int]) -> list[Row]:
        """Make space: delete the oldest delivered rows, then the oldest undelivered ones except those in ``keep``.

        Returns:
            The undelivered rows that were deleted.
        """

    def expire(self, before_ms: int) -> int:
        """Delete rows delivered before that time, whether or not the clock was set then; returns how many."""

    def newest_delivery(self) -> int:
        """The time in ms of the newest delivery, whether or not the clock was set then; 0 where there is none."""

    def resolve_times(self, by_ms: int, now_ms: int) -> None:
        """The clock is set: shift the deliveries of an unset clock by ``by_ms``; they count as of a set clock now.

        No delivery keeps a time after ``now_ms``.
        """

    def shift_times(self, by_ms: int) -> None:
        """Shift the deliveries of a set clock: that clock was set anew."""

    def purge(self, topic: str) -> int:
        """Delete all rows of a topic; returns how many."""

    def save_session(self, session: StoredSession) -> None:
        """Remember a run, or what has changed about it; forget runs of which no row is stored any more."""

    def sessions(self) -> list[StoredSession]:
        """The remembered runs, oldest first."""

    def last_delivered(self) -> dict[tuple[str, str], int]:
        """The highest delivered ``seq`` by session and topic."""

    def totals(self) -> Totals:
        """What it holds."""

    def last_id(self) -> int:
        """The highest row id, 0 where there is none."""

    def close(self) -> None:
        """Close the medium."""


class StoreError(Exception):
    """The medium under a store fails: full, broken, in use by another process, or corrupt.

    Args:
        reason: What happened, in words.
        remedy: What the user can do about it, as a sentence without its full stop.
        corrupt: Whether what is stored can no longer be read.
        usable: Whether the same store may be tried again; otherwise it must be opened anew.
        moved_to: Where its file was moved already, because it is corrupt.
    """

    def __init__(
        self,
        reason: str,
        *,
        remedy: str = "",
        corrupt: bool = False,
        usable: bool = False,
        moved_to: Path | None = None,
    ) -> None:
        super().__init__(f"{reason}. {remedy}" if remedy else reason)
        self.reason, self.remedy = reason, remedy
        self.corrupt, self.usable, self.moved_to = corrupt, usable, moved_to
