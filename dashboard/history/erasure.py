"""Erasing: rows are deleted, the database is written anew, and what comes late from that time is not stored again."""

from __future__ import annotations

import time
from typing import Final

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, func, select, union, update

from dashboard.history.database import Database
from dashboard.history.queries import device_ids
from dashboard.history.rollup import MINUTE_MS
from dashboard.history.tables import DATED, EVERYWHERE, devices, erasures, minutes, tens
from dashboard.history.tens import erase as erase_tens
from edge_agent.client.events import Device
from edge_agent.errors import InputError

_ERASED: Final = (*DATED, minutes)


def erase(database: Database, device: Device | None, start_ms: int, end_ms: int) -> dict[str, int]:
    """Delete what is stored of a time; see :meth:`dashboard.history.store.History.erase`.

    A joined minute is deleted where any of it lies within the time.

    Args:
        database: Where.
        device: Whose; ``None`` for all.
        start_ms: Its begin, in milliseconds since 1970.
        end_ms: Its end.

    Raises:
        InputError: The device is not known, or the end is before the begin.
        DatabaseError: The rows could not be deleted, or they are and their bytes are still in the file.
    """
    with database.writing() as connection:
        device_id = _checked(connection, device, start_ms, end_ms)
        deleted = {
            table.name: connection.execute(delete(table).where(_within(table, device_id, start_ms, end_ms))).rowcount
            for table in _ERASED
        }
        erase_tens(connection, device_id, start_ms, end_ms)
        _forget_descriptions(connection)
        connection.execute(
            erasures.insert().values(
                device_id=device_id, start_ms=start_ms, end_ms=end_ms, erased_ms=round(time.time() * 1000)
            )
        )
    database.compact((*DATED, minutes, tens))
    return deleted


def count(database: Database, device: Device | None, start_ms: int, end_ms: int) -> dict[str, int]:
    """How many rows :func:`erase` would delete, by kind; the arguments and errors are the same."""
    with database.reading() as connection:
        device_id = _checked(connection, device, start_ms, end_ms)
        return {
            table.name: connection.scalar(
                select(func.count()).select_from(table).where(_within(table, device_id, start_ms, end_ms))
            )
            or 0
            for table in _ERASED
        }


def erased_spans(connection: Connection) -> list[tuple[int, int, int]]:
    """What was erased and must not be stored again: number of the device, or 0 for all; from, to."""
    rows = connection.execute(
        # What comes from after the erasure is new, even where its end lies in the future.
        select(erasures.c.device_id, erasures.c.start_ms, erasures.c.end_ms, erasures.c.erased_ms)
    )
    return [(device_id, start, min(end, erased)) for device_id, start, end, erased in rows]


def _forget_descriptions(connection: Connection) -> None:
    """A device of which nothing is left keeps its name, so that nothing comes back, but not what it said of itself."""
    left = union(*(select(table.c.device_id) for table in (*DATED, minutes)))
    nothing = devices.c.id.not_in(left)
    connection.execute(update(devices).where(nothing).values(room="", time_zone="", model="", labels=""))


def _checked(connection: Connection, device: Device | None, start_ms: int, end_ms: int) -> int:
    """The number of the device, or of all of them, where there is something to erase."""
    if end_ms < start_ms:
        raise InputError("what is to be erased", received="an end before the begin", expected="a time span")
    if device is None:
        return EVERYWHERE
    known = device_ids(connection).get(device)
    if known is None:
        raise InputError(f"{device.site}/{device.id}", received="a device of which nothing is stored")
    return known


def _within(table: Table, device_id: int, start_ms: int, end_ms: int) -> ColumnElement[bool]:
    """Rows of a time. A joined minute counts where any of it lies within."""
    if table is minutes:
        first, last = start_ms // MINUTE_MS, end_ms // MINUTE_MS
        span: ColumnElement[bool] = minutes.c.minute.between(_as_minute(first), _as_minute(last))
    else:
        span = and_(table.c.at_ms >= start_ms, table.c.at_ms <= end_ms)
    return span if device_id == EVERYWHERE else and_(table.c.device_id == device_id, span)


def _as_minute(number: int) -> int:
    return min(max(number, -(2**31)), 2**31 - 1)
