"""Windows, minutes and ten minutes in the same terms, so that one query reads any of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import BigInteger, ColumnElement, and_, case, cast, func

from dashboard.history.rollup import MINUTE_MS, TEN_MS
from dashboard.history.tables import LATE, minutes, tens, windows


@dataclass(frozen=True, slots=True)
class Columns:
    """The rows of a table in the terms of :class:`dashboard.history.rollup.Piece`.

    Attributes:
        row: What a row is counted by: a time or the number of a stretch.
        row_ms: Length of that stretch; 1 where it is a time.
    """

    row: ColumnElement[int]
    row_ms: int
    device_id: ColumnElement[int]
    end_ms: ColumnElement[int]
    open_ms: ColumnElement[int]
    suppressed_ms: ColumnElement[int]
    late_ms: ColumnElement[int]
    faces_ms: ColumnElement[int]
    flags: ColumnElement[int]
    label_set: ColumnElement[int]
    shares: ColumnElement[bytes]

    def within(self, device_id: int, start_ms: int, end_ms: int) -> ColumnElement[bool]:
        """A device's rows that end after a time, and at another one or before. A stretch counts with any part of it."""
        mine = self.device_id == device_id
        if self.row_ms == 1:
            return and_(mine, self.row > start_ms, self.row <= end_ms)
        return and_(mine, self.row >= start_ms // self.row_ms, self.row < -(-end_ms // self.row_ms))


def _end_of(number: ColumnElement[int], length_ms: int) -> ColumnElement[int]:
    return (cast(number, BigInteger) + 1) * length_ms


_KNOWN: Final = windows.c.faces.is_not(None)
WINDOWS: Final = Columns(
    row=windows.c.at_ms,
    row_ms=1,
    device_id=windows.c.device_id,
    end_ms=windows.c.at_ms,
    open_ms=case((_KNOWN, windows.c.window_ms), else_=0),
    suppressed_ms=case((_KNOWN, 0), else_=windows.c.window_ms),
    late_ms=case((windows.c.flags.op("&")(LATE) != 0, windows.c.window_ms), else_=0),
    faces_ms=func.coalesce(cast(windows.c.faces, BigInteger) * windows.c.window_ms, 0),
    flags=windows.c.flags,
    label_set=windows.c.label_set,
    shares=windows.c.shares,
)
MINUTES: Final = Columns(
    row=minutes.c.minute,
    row_ms=MINUTE_MS,
    device_id=minutes.c.device_id,
    end_ms=_end_of(minutes.c.minute, MINUTE_MS),
    open_ms=minutes.c.open_ms,
    suppressed_ms=minutes.c.suppressed_ms,
    late_ms=minutes.c.late_ms,
    faces_ms=func.coalesce(minutes.c.faces_ms, 0),
    flags=minutes.c.flags,
    label_set=minutes.c.label_set,
    shares=minutes.c.shares,
)
TENS: Final = Columns(
    row=tens.c.ten,
    row_ms=TEN_MS,
    device_id=tens.c.device_id,
    end_ms=_end_of(tens.c.ten, TEN_MS),
    open_ms=tens.c.open_ms,
    suppressed_ms=tens.c.suppressed_ms,
    late_ms=tens.c.late_ms,
    faces_ms=tens.c.faces_ms,
    flags=tens.c.flags,
    label_set=tens.c.label_set,
    shares=tens.c.shares,
)
