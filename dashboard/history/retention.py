"""Retention: full resolution for a week, minutes after that, and nothing for longer than the settings say.

Work is cut into steps of one device, each a transaction of its own, so that the recorder can store in between.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, bindparam, delete, func, select

from dashboard.history.database import Database
from dashboard.history.packing import pack
from dashboard.history.queries import minute_piece, read_label_sets, window_piece
from dashboard.history.rollup import MINUTE_MS, TEN_MS, bucket_of, join
from dashboard.history.tables import (
    APPROXIMATE,
    UNDATED,
    devices,
    erasures,
    faces,
    health,
    label_sets,
    markers,
    minutes,
    received,
    sessions,
    statuses,
    tens,
    windows,
)

_DAY_MS: Final = 86_400_000
_DAY_S: Final = 86_400.0
_HEALTH_EVERY_MS: Final = 600_000
"""Of health reports older than a week one is kept in such a time."""
_MAX_MS: Final = 2**31 - 1
"""As much as a column of whole numbers takes. Only a device that makes things up fills a minute with more."""
_SESSION_DAYS: Final = 60
"""For how long a device could still send events of a session again: longer than any outbox keeps them."""


@dataclass(frozen=True, slots=True)
class Retention:
    """For how many days what is kept.

    Attributes:
        full_days: Summaries and health at full resolution.
        days: Summaries as minutes, health at one report in ten minutes, markers and status.
        faces_days: Events of single faces; 0 to store none.
    """

    full_days: int = 7
    days: int = 365
    faces_days: int = 0


class Upkeep:
    """Enforces retention when it is due: at the start, and once a day after that.

    Args:
        database: Whose.
        retention: What holds.
    """

    def __init__(self, database: Database, retention: Retention) -> None:
        self._database, self._retention = database, retention
        self._due_at = 0.0

    def steps(self, now: float) -> Iterator[None]:
        """Do what is due, in steps; nothing where nothing is.

        Args:
            now: Seconds since 1970.

        Raises:
            DatabaseError: The database cannot be written. What was done stays done, the rest is tried the next time.
        """
        if now < self._due_at:
            return
        yield from enforce(self._database, self._retention, now)
        self._due_at = now + _DAY_S


def enforce(database: Database, retention: Retention, now: float) -> Iterator[None]:
    """Join what is older than ``full_days`` to minutes, and delete what is too old, in steps.

    Args:
        database: Whose.
        retention: What holds.
        now: Seconds since 1970.

    Raises:
        DatabaseError: The database cannot be written.
    """
    now_ms = round(now * 1000)
    full_from = (now_ms - retention.full_days * _DAY_MS) // MINUTE_MS * MINUTE_MS
    oldest = now_ms - retention.days * _DAY_MS
    with database.reading() as connection:
        numbers = list(connection.scalars(select(devices.c.id)))
    changed = False
    for number in numbers:
        while True:
            with database.writing() as connection:
                count = _join_day(connection, number, full_from)
            changed |= count > 0
            yield
            if not count:
                break
        with database.writing() as connection:
            changed |= _thin_health(connection, number, full_from) > 0
        yield
    with database.writing() as connection:
        changed |= _delete_old(connection, retention, now_ms, oldest)
    yield
    if changed:
        database.checkpoint()


def _join_day(connection: Connection, device_id: int, before_ms: int) -> int:
    """Join the windows of the device's oldest day that end before this time; how many there were."""
    first = connection.scalar(
        select(func.min(windows.c.at_ms)).where(windows.c.device_id == device_id, windows.c.at_ms <= before_ms)
    )
    if first is None:
        return 0
    until = min(before_ms, (first // _DAY_MS + 1) * _DAY_MS)
    span = (windows.c.device_id == device_id) & (windows.c.at_ms <= until)
    labels = read_label_sets(connection)
    pieces = [window_piece(row, labels) for row in connection.execute(select(windows).where(span))]
    numbers = {bucket_of(piece.end_ms, MINUTE_MS) for piece in pieces}
    there = (minutes.c.device_id == device_id) & minutes.c.minute.in_(numbers)
    pieces += [minute_piece(row, labels) for row in connection.execute(select(minutes).where(there))]
    connection.execute(delete(minutes).where(there))
    rows = []
    for number, joined in join(pieces, MINUTE_MS).items():
        label_set, shares = _packed(connection, labels, joined.shares)
        rows.append(
            {
                "device_id": device_id,
                "minute": number,
                "open_ms": min(joined.open_ms, _MAX_MS),
                "suppressed_ms": min(joined.suppressed_ms, _MAX_MS),
                "late_ms": min(joined.late_ms, _MAX_MS),
                "faces_ms": joined.faces_ms if joined.open_ms else None,
                "label_set": label_set,
                "shares": shares,
                "flags": (UNDATED if joined.undated else 0) | (APPROXIMATE if joined.approximate else 0),
            }
        )
    count = connection.execute(delete(windows).where(span)).rowcount
    connection.execute(minutes.insert(), rows)  # last, so that it also works in a database that is full
    return count


def _packed(
    connection: Connection, known: dict[int, tuple[str, ...]], shares: dict[str, float]
) -> tuple[int | None, bytes | None]:
    """Shares with the set of labels that they are packed with; windows of two models may come together."""
    if not shares:
        return None, None
    for number, labels in known.items():
        if shares.keys() <= set(labels):
            return number, pack(shares, labels)
    labels = tuple(sorted(shares))
    result = connection.execute(label_sets.insert().values(labels=json.dumps(labels, ensure_ascii=False)))
    assert result.inserted_primary_key is not None
    number = int(result.inserted_primary_key[0])
    known[number] = labels
    return number, pack(shares, labels)


def _thin_health(connection: Connection, device_id: int, before_ms: int) -> int:
    """Keep the first report of each ten minutes before this time; how many were deleted."""
    old = select(health.c.at_ms).where(health.c.device_id == device_id, health.c.at_ms < before_ms)
    kept: set[int] = set()
    deleted = []
    for at_ms in connection.scalars(old.order_by(health.c.at_ms)):
        if at_ms // _HEALTH_EVERY_MS in kept:
            deleted.append({"whose": device_id, "when": at_ms})
        kept.add(at_ms // _HEALTH_EVERY_MS)
    if deleted:
        one = (health.c.device_id == bindparam("whose")) & (health.c.at_ms == bindparam("when"))
        connection.execute(delete(health).where(one), deleted)
    return len(deleted)


def _delete_old(connection: Connection, retention: Retention, now_ms: int, oldest_ms: int) -> bool:
    """Delete what is older than the settings say; whether there was any."""
    faces_from = now_ms - retention.faces_days * _DAY_MS if retention.faces_days else now_ms + _DAY_MS
    queries = [delete(table).where(table.c.at_ms < oldest_ms) for table in (windows, health, statuses, markers)]
    queries += [
        delete(minutes).where(minutes.c.minute < oldest_ms // MINUTE_MS),
        delete(tens).where(tens.c.ten < oldest_ms // TEN_MS),
        delete(faces).where(faces.c.at_ms < faces_from),
        delete(erasures).where(erasures.c.erased_ms < now_ms - 2 * _SESSION_DAYS * _DAY_MS),
    ]
    found = sum(connection.execute(query).rowcount for query in queries)
    over = sessions.c.last_ms < now_ms - _SESSION_DAYS * _DAY_MS
    over &= sessions.c.id.not_in(select(windows.c.session_id)) & sessions.c.id.not_in(select(faces.c.session_id))
    gone = list(connection.scalars(select(sessions.c.id).where(over)))
    for number in gone:
        connection.execute(delete(received).where(received.c.session_id == number))
        connection.execute(delete(sessions).where(sessions.c.id == number))
    return bool(found or gone)
