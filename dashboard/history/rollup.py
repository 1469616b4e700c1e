"""Joining windows to minutes, or to longer stretches for a chart of a day."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from dashboard.history.tables import APPROXIMATE, UNDATED

MINUTE_MS: Final = 60_000
TEN_MS: Final = 600_000


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of time with one set of figures: a window, or windows already joined.

    Attributes:
        end_ms: Its end, in milliseconds since 1970.
        open_ms: How much of it has figures.
        suppressed_ms: How much of it has none.
        late_ms: How much of it came late.
        faces_ms: Sum of faces times milliseconds, of the part with figures.
        shares: Share of each expression in that face time; empty where nobody had one.
        flags: Of the row.
    """

    end_ms: int
    open_ms: int
    suppressed_ms: int
    late_ms: int
    faces_ms: int
    shares: dict[str, float]
    flags: int


@dataclass(slots=True)
class Joined:
    """Pieces that were added up; the attributes are those of :class:`Piece`."""

    open_ms: int = 0
    suppressed_ms: int = 0
    late_ms: int = 0
    faces_ms: int = 0
    undated: bool = False
    approximate: bool = False
    _weight: float = 0.0
    _weighted: dict[str, float] = field(default_factory=dict)

    def add(self, piece: Piece) -> None:
        """Add one piece. Shares count by face time, as they do within a window."""
        self.open_ms += piece.open_ms
        self.suppressed_ms += piece.suppressed_ms
        self.late_ms += piece.late_ms
        self.faces_ms += piece.faces_ms
        self.undated |= bool(piece.flags & UNDATED)
        self.approximate |= bool(piece.flags & APPROXIMATE)
        if piece.shares:
            self._weight += piece.faces_ms
            for label, share in piece.shares.items():
                self._weighted[label] = self._weighted.get(label, 0.0) + share * piece.faces_ms

    def add_share(self, label: str, weighted: float) -> None:
        """Add shares that have been multiplied by their face time; :meth:`add_weight` adds that once for all labels."""
        self._weighted[label] = self._weighted.get(label, 0.0) + weighted

    def add_weight(self, faces_ms: float) -> None:
        """Add the face time of the shares that were added."""
        self._weight += faces_ms

    @property
    def shares(self) -> dict[str, float]:
        """Share of each expression; empty where nobody had one."""
        return {label: value / self._weight for label, value in self._weighted.items()} if self._weight else {}


def alone(piece: Piece) -> Joined:
    """One piece as if it were the sum of many."""
    joined = Joined()
    joined.add(piece)
    return joined


def bucket_of(end_ms: int, bucket_ms: int) -> int:
    """The number of the stretch to which a window belongs that ends then. A stretch includes its end."""
    return (end_ms - 1) // bucket_ms


def join(pieces: list[Piece], bucket_ms: int) -> dict[int, Joined]:
    """Add up pieces by stretches of this length, in the order of time. A longer piece belongs where it ends."""
    joined: dict[int, Joined] = {}
    for piece in pieces:
        number = bucket_of(piece.end_ms, bucket_ms)
        joined.setdefault(number, Joined()).add(piece)
    return dict(sorted(joined.items()))
