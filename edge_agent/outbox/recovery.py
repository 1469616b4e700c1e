"""What can still be read of a damaged outbox file.

Damage is mostly local: a page of the card went bad, the end is cut off, something wrote over the beginning. The rest is
worth having, for it was promised to be sent.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from edge_agent.decoding import UNDECODABLE
from edge_agent.outbox.store import Row, StoredSession
from edge_agent.protocol.topics import SEQUENCED

_PAGE_BYTES = 4096
_STRIDE, _STRIDES = 32, 128
"""How far a damaged place may reach in row numbers: more rows than one inner page leads to."""


@dataclass(slots=True)
class RecoveredRows:
    """What was found.

    Attributes:
        rows: In the order of their ids, delivered ones included.
        delivered: Which of them were delivered: id, time in ms since 1970.
        sessions: The runs they belong to, as far as they are known.
    """

    rows: list[Row] = field(default_factory=list)
    delivered: list[tuple[int, int]] = field(default_factory=list)
    sessions: list[StoredSession] = field(default_factory=list)

    @property
    def pending(self) -> list[Row]:
        """Rows that were not delivered."""
        delivered = {row_id for row_id, _ in self.delivered}
        return [row for row in self.rows if row.id not in delivered]


def recover_rows(path: Path, schema: str) -> RecoveredRows:
    """Read what can be read of a damaged file; the file's first page may be mended in the course of it.

    Args:
        path: The file, in nobody's use. Its write-ahead log, with ``-wal`` at the end of the name, is read too.
        schema: The statements that made its tables, as the first in a new file.
    """
    with suppress(OSError, sqlite3.Error):
        found = _read(path)
        if not found.rows and path.stat().st_size:
            _mend_first_page(path, schema)
            found = _read(path)
        return found
    return RecoveredRows()


def _mend_first_page(path: Path, schema: str) -> None:
    """Tables are made in the same order always, so that the first page of any outbox describes this one."""
    with tempfile.TemporaryDirectory() as folder:
        pattern = Path(folder) / "pattern.db"
        with closing(sqlite3.connect(pattern)) as db:
            db.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
            db.executescript(schema)
        page = bytearray(pattern.read_bytes()[:_PAGE_BYTES])
    page[18:20] = b"\x02\x02"  # written and read with a write-ahead log
    page[28:32] = bytes(4)  # how many pages there are is to be told from the file's length
    with path.open("r+b") as file:
        file.write(page)


def _read(path: Path) -> RecoveredRows:
    found = RecoveredRows()
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for fields in _rows(db):
            *values, at_ms = fields
            row = Row(*values)
            if not _sound(row):
                continue
            found.rows.append(row)
            if isinstance(at_ms, int):
                found.delivered.append((row.id, at_ms))
        with suppress(sqlite3.Error, TypeError):
            for key, started_ms, synced, lost in db.execute("SELECT id, started_ms, clock_synced, lost FROM sessions"):
                found.sessions.append(StoredSession(key, started_ms, bool(synced), lost))
    return found


def _rows(db: sqlite3.Connection) -> Iterator[tuple[Any, ...]]:
    """Rows in the order of their ids, those on damaged pages left out."""
    select = "SELECT id, topic, session, seq, payload, mono_ms, wall_ms, delivered_ms FROM rows"
    last = 0
    while True:
        with suppress(sqlite3.Error):
            for row in db.execute(f"{select} WHERE id > ? ORDER BY id", (last,)):
                yield row
                last = row[0]
            return
        behind = _next_readable(db, f"{select} WHERE id = ?", last)
        if not behind:
            return
        yield from behind
        last = behind[-1][0]


def _next_readable(db: sqlite3.Connection, select: str, last: int) -> list[tuple[Any, ...]]:
    """The first rows behind a damaged place: looked for in strides, for every look at damage takes its time."""
    for stride in range(_STRIDES):
        first = last + 1 + stride * _STRIDE
        if stride == 0 or _one(db, select, first + _STRIDE - 1):
            found = [row for row_id in range(first, first + _STRIDE) for row in _one(db, select, row_id)]
            if found:
                return found
    return []


def _one(db: sqlite3.Connection, select: str, row_id: int) -> list[tuple[Any, ...]]:
    with suppress(sqlite3.Error):
        return db.execute(select, (row_id,)).fetchall()
    return []


def _sound(row: Row) -> bool:
    """Whether the payload is the message that the row says it is: a damaged page may still read as one."""
    try:
        message = msgspec.json.decode(row.payload)
        return row.topic in SEQUENCED and (message["session"], message["seq"]) == (row.session, row.seq)
    except (*UNDECODABLE, TypeError, KeyError):
        return False
