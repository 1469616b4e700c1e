"""Windows and minutes added up by ten minutes: what charts of days and months are drawn from.

They are kept in step in the transaction that changes the others: what is stored is added, and where something was
erased or got another time, the ten minutes are made anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, delete, func, select

from dashboard.history.columns import MINUTES, WINDOWS, Columns
from dashboard.history.database import upsert
from dashboard.history.packing import pack_means, unpack, unpack_means
from dashboard.history.rollup import TEN_MS, bucket_of
from dashboard.history.tables import APPROXIMATE, LATE, UNDATED, tens

_DAY_MS: Final = 86_400_000
_NO_SHARES: Final = 0
"""Number of no set of labels."""
_FLAGS: Final = UNDATED | APPROXIMATE
"""Those that hold for the whole where they hold for a part."""


@dataclass(slots=True)
class _Sum:
    """A row in the making. ``weighted``: for each label, share times face time."""

    open_ms: int = 0
    suppressed_ms: int = 0
    late_ms: int = 0
    faces_ms: int = 0
    flags: int = 0
    weighted: list[float] = field(default_factory=list)

    def add(
        self, open_ms: int, suppressed_ms: int, late_ms: int, faces_ms: int, flags: int, shares: tuple[float, ...]
    ) -> None:
        self.open_ms += open_ms
        self.suppressed_ms += suppressed_ms
        self.late_ms += late_ms
        self.faces_ms += faces_ms
        self.flags |= flags & _FLAGS
        if not self.weighted:
            self.weighted = [0.0] * len(shares)
        for place, share in enumerate(shares):
            self.weighted[place] += share * faces_ms


_Key = tuple[int, int, int]
"""Number of the device, of the ten minutes and of the set of labels."""


def ten_of(end_ms: int) -> int:
    """The number of the ten minutes to which a window belongs that ends then."""
    return bucket_of(end_ms, TEN_MS)


def add_windows(connection: Connection, rows: Iterable[dict[str, Any]]) -> None:
    """Add windows that have just been stored.

    Args:
        connection: The transaction that stores them.
        rows: As they are stored.
    """
    sums: dict[_Key, _Sum] = {}
    for row in rows:
        known = row["faces"] is not None
        length = row["window_ms"]
        packed = row["shares"]
        key = row["device_id"], ten_of(row["at_ms"]), _NO_SHARES if packed is None else row["label_set"]
        sums.setdefault(key, _Sum()).add(
            length if known else 0,
            0 if known else length,
            length if row["flags"] & LATE else 0,
            row["faces"] * length if known else 0,
            row["flags"],
            () if packed is None else unpack(packed),
        )
    by_ten: dict[int, set[int]] = {}
    for device_id, ten, _ in sums:
        by_ten.setdefault(ten, set()).add(device_id)
    for ten, numbers in by_ten.items():
        there = select(tens).where(tens.c.ten == ten, tens.c.device_id.in_(numbers))
        for old in connection.execute(there).all():
            if (total := sums.get((old.device_id, ten, old.label_set))) is not None:
                shares = () if old.shares is None else unpack_means(old.shares)
                total.add(old.open_ms, old.suppressed_ms, old.late_ms, old.faces_ms, old.flags, shares)
    _replace(connection, sums)


def make_anew(connection: Connection, keys: Iterable[tuple[int, int]]) -> None:
    """Make ten minutes anew from what is stored.

    Args:
        connection: A transaction.
        keys: Number of the device and of the ten minutes of each.
    """
    for device_id, ten in sorted(set(keys)):
        connection.execute(delete(tens).where(tens.c.device_id == device_id, tens.c.ten == ten))
        _replace(connection, _sums_of(connection, device_id, ten * TEN_MS, (ten + 1) * TEN_MS))


def erase(connection: Connection, device_id: int, start_ms: int, end_ms: int) -> None:
    """Take out what was erased from windows and minutes.

    Args:
        connection: The transaction in which they were deleted.
        device_id: Whose; 0 for all.
        start_ms: From this time on.
        end_ms: Up to this time.
    """
    first, last = max(ten_of(start_ms) - 1, -(2**31)), min(ten_of(end_ms) + 1, 2**31 - 1)
    touched: ColumnElement[bool] = tens.c.ten.between(first, last)
    if device_id:
        touched = touched & (tens.c.device_id == device_id)
    edges = touched & tens.c.ten.in_({first, first + 1, first + 2, last - 2, last - 1, last})
    keys = [(row.device_id, row.ten) for row in connection.execute(select(tens.c.device_id, tens.c.ten).where(edges))]
    connection.execute(delete(tens).where(touched))
    make_anew(connection, keys)


def fill(connection: Connection) -> Iterator[int]:
    """Make the table where there is none, and add up everything that is stored, a day of a device after the other.

    Yields:
        How many rows were made.
    """
    tens.create(connection, checkfirst=True)
    for columns in (WINDOWS, MINUTES):
        numbers = list(connection.scalars(select(columns.device_id).distinct()))
        for device_id in numbers:
            first, last = connection.execute(
                select(func.min(columns.end_ms), func.max(columns.end_ms)).where(columns.device_id == device_id)
            ).one()
            for start_ms in range(int(first) // _DAY_MS * _DAY_MS - _DAY_MS, int(last), _DAY_MS):
                sums = _sums_of(connection, device_id, start_ms, start_ms + _DAY_MS)
                _replace(connection, sums)
                yield len(sums)


def _sums_of(connection: Connection, device_id: int, start_ms: int, end_ms: int) -> dict[_Key, _Sum]:
    """What windows and minutes that end within a time add up to."""
    sums: dict[_Key, _Sum] = {}
    for columns in (WINDOWS, MINUTES):
        for row in _read(connection, columns, device_id, start_ms, end_ms):
            end, open_ms, suppressed_ms, late_ms, faces_ms, flags, label_set, packed = row
            key = device_id, ten_of(int(end)), _NO_SHARES if packed is None else label_set
            shares = () if packed is None else unpack(packed)
            sums.setdefault(key, _Sum()).add(open_ms, suppressed_ms, late_ms, int(faces_ms), flags, shares)
    return sums


def _read(connection: Connection, columns: Columns, device_id: int, start_ms: int, end_ms: int) -> Sequence[Any]:
    query = select(
        columns.end_ms,
        columns.open_ms,
        columns.suppressed_ms,
        columns.late_ms,
        columns.faces_ms,
        columns.flags,
        columns.label_set,
        columns.shares,
    )
    return connection.execute(query.where(columns.within(device_id, start_ms, end_ms))).cursor.fetchall()


def _replace(connection: Connection, sums: dict[_Key, _Sum]) -> None:
    if not sums:
        return
    rows = [
        {
            "device_id": device_id,
            "ten": ten,
            "label_set": label_set,
            "open_ms": total.open_ms,
            "suppressed_ms": total.suppressed_ms,
            "late_ms": total.late_ms,
            "faces_ms": total.faces_ms,
            "shares": _means(total) if label_set else None,
            "flags": total.flags,
        }
        for (device_id, ten, label_set), total in sums.items()
    ]
    upsert(connection, tens, rows)


def _means(total: _Sum) -> bytes:
    return pack_means([value / total.faces_ms if total.faces_ms else 0.0 for value in total.weighted])
