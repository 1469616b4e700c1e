"""The history as the page sees it: opened once, read and erased from any thread."""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager
from typing import Final

from sqlalchemy import Connection, Engine, MetaData

from dashboard.history import erasure, queries, tens
from dashboard.history.database import Database, Migration, ensure_schema
from dashboard.history.series import HealthSeries, Marker, SharesSeries, Stored
from dashboard.history.tables import SCHEMA_PART, SCHEMA_VERSION, metadata
from dashboard.live.earlier import LastKnown
from edge_agent.client.events import Device

log = logging.getLogger(__name__)


def _know_approximate(_: Connection) -> None:
    """From version 2 on, flags say whether figures are approximate. Nothing is known of rows that are there already.

    The number goes up all the same: a program of version 1 would lose the flag when it joins windows to minutes.
    """


def _add_up_tens(connection: Connection) -> None:
    """From version 3 on, everything is there once more by ten minutes. A year of 30 rooms takes about a minute."""
    log.info("the history is made ready for faster charts; this is done once and may take a minute")
    for _ in tens.fill(connection):
        pass


MIGRATIONS: Final[dict[int, Migration]] = {1: _know_approximate, 2: _add_up_tens}
"""What makes the tables of a version those of the next one."""


def open_history(place: str, *, password: str = "", max_mb: int = 0, min_free_mb: int = 0) -> History:
    """Open the history, and make its tables where there are none.

    Args:
        place: A file for SQLite, or the address of a PostgreSQL database: ``postgresql://USER@HOST/DATABASE``.
        password: At the server, where the address has none.
        max_mb: Size that an SQLite file may reach, in megabytes; 0 for no limit.
        min_free_mb: What a recorder leaves free on the disk of an SQLite file, in megabytes; 0 for nothing.

    Raises:
        InputError: The address is malformed.
        DatabaseError: The database cannot be opened, is damaged, or holds tables that this version cannot use.
    """
    database = Database(place, password=password, max_mb=max_mb, min_free_mb=min_free_mb)
    try:
        ensure_schema(database, SCHEMA_PART, SCHEMA_VERSION, metadata, MIGRATIONS)
    except BaseException:
        database.close()
        raise
    return History(database)


class History:
    """What is kept of all rooms. Times are seconds since 1970 in UTC. Any thread may use it.

    Attributes:
        database: Where it is; for transactions of other parts of the page.
    """

    def __init__(self, database: Database) -> None:
        self.database = database

    @property
    def engine(self) -> Engine:
        """SQLAlchemy's engine."""
        return self.database.engine

    @property
    def metadata(self) -> MetaData:
        """The tables of the history."""
        return metadata

    def close(self) -> None:
        """Close all connections."""
        self.database.close()

    def writing(self) -> AbstractContextManager[Connection]:
        """A transaction of another part of the page; see :meth:`Database.writing`."""
        return self.database.writing()

    def rooms(self) -> list[Device]:
        """All devices that were ever heard, by name.

        Raises:
            DatabaseError: It cannot be read. This holds for every method.
        """
        with self.database.reading() as connection:
            return list(queries.device_ids(connection))

    def room_names(self) -> dict[Device, str]:
        """What each device calls its room; empty where it does not say."""
        with self.database.reading() as connection:
            return queries.read_room_names(connection)

    def shares(self, device: Device, start: float, end: float, step_s: float = 0.0) -> SharesSeries:
        """The figures of a room between two times.

        Args:
            device: Which room.
            start: Windows that end after this time.
            end: Windows that end at this time or before.
            step_s: Join windows to stretches of this many seconds, for charts of a long time; 0 to join none.
        """
        with self.database.reading() as connection:
            number = queries.device_ids(connection).get(device)
            if number is None:
                return SharesSeries()
            return queries.read_shares(connection, number, to_ms(start), to_ms(end), step_s)

    def begin(self, device: Device) -> float | None:
        """Time of a room's first figures, in seconds since 1970; ``None`` where there are none."""
        with self.database.reading() as connection:
            return queries.read_begin(connection, queries.device_ids(connection).get(device, -1))

    def markers(self, device: Device, start: float, end: float) -> list[Marker]:
        """What happened to a device, and to the broker and the recorder, between two times."""
        with self.database.reading() as connection:
            number = queries.device_ids(connection).get(device, -1)
            return queries.read_markers(connection, number, to_ms(start), to_ms(end))

    def health(self, device: Device, start: float, end: float) -> HealthSeries:
        """The health reports of a device between two times."""
        with self.database.reading() as connection:
            number = queries.device_ids(connection).get(device, -1)
            return queries.read_health(connection, number, to_ms(start), to_ms(end))

    def last_known(self) -> tuple[dict[Device, LastKnown], float]:
        """What was known last of each device, and since when the broker was gone; 0 where it was there."""
        with self.database.reading() as connection:
            return queries.read_last_known(connection), queries.read_broker_gone(connection)

    def received(self, since: float) -> list[tuple[Device, str, str, list[tuple[int, int]]]]:
        """Which events are stored or were, so that they are not asked for again.

        Args:
            since: Of sessions that were heard after this time.

        Returns:
            Device, session, topic and ranges of numbers, each range with its first and last.
        """
        with self.database.reading() as connection:
            return queries.read_received(connection, to_ms(since))

    def stored(self) -> Stored:
        """What is kept, since when, and how much it takes."""
        size_bytes = self.database.size_bytes()
        with self.database.reading() as connection:
            every = queries.read_stored(connection)
            devices = {
                device: kinds
                for device, kinds in every.items()
                if device is not None and any(kind.rows for kind in kinds.values())
            }
            return Stored(
                place=self.database.shown,
                size_bytes=size_bytes,
                rooms=len(devices),
                kinds=queries.sum_stored(every.values()),
                devices=devices,
                erased_at=queries.read_last_erasure(connection),
            )

    def count(self, device: Device | None, start: float, end: float) -> dict[str, int]:
        """How many rows :meth:`erase` would delete, by kind; the arguments are the same."""
        return erasure.count(self.database, device, to_ms(start), to_ms(end))

    def erase(self, device: Device | None, start: float, end: float) -> dict[str, int]:
        """Delete what is stored of a time, and write the database anew so that its bytes are gone from the files.

        What comes late from that time is not stored again. Backups and copies are not reached.

        Args:
            device: Whose; ``None`` for all.
            start: From this time on.
            end: Up to this time.

        Returns:
            How many rows were deleted, by kind.
        """
        return erasure.erase(self.database, device, to_ms(start), to_ms(end))


def to_ms(seconds: float) -> int:
    """Milliseconds since 1970, within what a database holds. Infinite times stand for its ends."""
    return round(min(max(seconds, -_END_S), _END_S) * 1000)


_END_S: Final = 4e11
