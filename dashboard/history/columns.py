"""Windows, minutes and ten minutes in the same terms, so that one query reads any of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import BigInteger, ColumnElement, Table, and_, case, cast, func

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


def _stretches(table: Table, number: ColumnElement[int], length_ms: int) -> Columns:
    """A table with a row for each stretch of time, counted by numbers."""
    return Columns(
        row=number,
        row_ms=length_ms,
        device_id=table.c.device_id,
        end_ms=(cast(number, BigInteger) + 1) * length_ms,
        open_ms=table.c.open_ms,
        suppressed_ms=table.c.suppressed_ms,
        late_ms=table.c.late_ms,
        faces_ms=func.coalesce(table.c.faces_ms, 0),
        flags=table.c.flags,
        label_set=table.c.label_set,
        shares=table.c.shares,
    )


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
MINUTES: Final = _stretches(minutes, minutes.c.minute, MINUTE_MS)
TENS: Final = _stretches(tens, tens.c.ten, TEN_MS)
