"""The outbox on disk: one SQLite file in WAL mode, ``synchronous = FULL``.

A write that has returned survives the death of the process and, as far as the storage keeps its word about flushing, a
power cut. The file is locked for as long as it is open, so that two agents never send the same rows.

A file of an older version is migrated when it is opened. An older version of the agent does not know a newer file: it
treats it as corrupt, that is, it moves the file to quarantine and copies all its rows and sessions into a new one. It
then takes the time of every delivery as that of a set clock.

Every row carries two checksums: of what it holds, and of its delivery; every remembered run carries one. They are
checked when the file is opened, together with SQLite's own check of the pages, and whenever a row is read. A row that
does not pass is moved to the table ``damaged_rows``, where it is kept for a look, and never delivered.

The log is moved into the file when it reaches four megabytes, and once a minute while there is nothing to write. What
damage to the log can cost is bounded by that.

Rows are found by id alone: a second index would cost every commit another page on an SD card, for the sake of lookups
(start, resend, expiry every ten minutes) that are rare enough to scan.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import pairwise
from os.path import samestat
from pathlib import Path
from typing import Any

from edge_agent.outbox.checksums import delivery_checksum, is_delivered, row_checksum, session_checksum
from edge_agent.outbox.quarantine import quarantine
from edge_agent.outbox.sqlite_errors import is_of_another_program, of_another_program, translated
from edge_agent.outbox.sqlite_pages import PAGE_BYTES, log_is_damaged
from edge_agent.outbox.store import ROW_OVERHEAD_BYTES, Delivery, Row, StoredSession, StoreError, Totals

_SCHEMA_VERSION = 4
_DAMAGED_ROWS = """
CREATE TABLE IF NOT EXISTS damaged_rows (
    found_at, id, topic, session, seq, payload, mono_ms, wall_ms, delivered_ms, delivered_clock_synced, checksum,
    delivery_checksum
);
"""
_SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS rows (
    id INTEGER PRIMARY KEY,
    topic TEXT NOT NULL,
    session TEXT NOT NULL,
    seq INTEGER NOT NULL,
    payload BLOB NOT NULL,
    mono_ms INTEGER NOT NULL,
    wall_ms INTEGER NOT NULL,
    delivered_ms INTEGER,
    delivered_clock_synced INTEGER NOT NULL DEFAULT 1,
    checksum INTEGER,
    delivery_checksum INTEGER
);
CREATE TABLE IF NOT EXISTS sessions (
    id TEXT PRIMARY KEY,
    started_ms INTEGER NOT NULL,
    clock_synced INTEGER NOT NULL,
    lost INTEGER NOT NULL,
    checksum INTEGER
);
{_DAMAGED_ROWS}
PRAGMA user_version = {_SCHEMA_VERSION};
COMMIT;
"""
"""Makes the tables of a new file."""
_MIGRATIONS = {
    # Deliveries had the time of the clock, set or not. Nobody knows which, so that all count as just delivered.
    1: """
BEGIN IMMEDIATE;
ALTER TABLE rows ADD COLUMN delivered_clock_synced INTEGER NOT NULL DEFAULT 1;
UPDATE rows SET delivered_clock_synced = 0,
delivered_ms = (SELECT MAX(delivered_ms, 1) FROM (SELECT MAX(delivered_ms) AS delivered_ms FROM rows))
WHERE delivered_ms IS NOT NULL;
PRAGMA user_version = 3;
COMMIT;
""",
    # The time of a delivery under an unset clock was negative.
    2: """
BEGIN IMMEDIATE;
ALTER TABLE rows ADD COLUMN delivered_clock_synced INTEGER NOT NULL DEFAULT 1;
UPDATE rows SET delivered_clock_synced = 0, delivered_ms = -delivered_ms WHERE delivered_ms < 0;
PRAGMA user_version = 3;
COMMIT;
""",
}
"""Makes a file of an older version one of version 3, in one transaction. Only rows that differ are written anew."""
_COLUMNS = "id, topic, session, seq, payload, mono_ms, wall_ms"
_ALL_COLUMNS = f"{_COLUMNS}, delivered_ms, delivered_clock_synced, checksum, delivery_checksum"
_DELIVERY_IS_SOUND = "delivery_checksum IS delivery_checksum(id, delivered_ms, delivered_clock_synced)"
_PAGE_ROWS = 1000
_MAX_DAMAGED_ROWS = 1000
"""Rows that are kept for a look."""
_CHECKPOINT_PAGES = 1000
_WAL_LIMIT_BYTES = 4 * 1024 * 1024
_CACHE_KIB = 400
"""Rows are written once and read once, in order: a larger cache would only fill, in the course of hours."""


class SqliteStore:
    """A :class:`~edge_agent.outbox.store.Store` in a file.

    Attributes:
        set_aside: How many damaged rows were moved to the table for them.

    Raises:
        StoreError: The file cannot be opened or is no outbox.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.set_aside = 0
        self._damaged: list[int] = []
        self._vanished = 0
        self._deleted_to = 0
        self._uncheckpointed = True
        with translated(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=1.0)
        try:
            with translated(path):
                self._prepare()
                self._totals = self._examine(opening=True)
                self._file = path.stat()
        except StoreError:
            self._db.close()
            raise

    def is_in_place(self) -> bool:
        """Whether the file is still where it was opened, so that a later run finds it there."""
        try:
            return samestat(self._path.stat(), self._file)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:  # the next write to the disk will show it
            return True

    def put_in_place(self) -> None:
        """Write the file anew where it was opened, after it was deleted or its folder moved; closes it.

        A file that has taken its place meanwhile goes to quarantine.
        """
        copy = self._path.with_name(f"{self._path.name}.copy")
        with translated(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            copy.unlink(missing_ok=True)
            with closing(sqlite3.connect(copy)) as target:
                self._db.backup(target)
            if self._path.exists():
                quarantine(self._path)
            self._db.close()  # now, for it deletes the log that has its name
            copy.replace(self._path)

    def _prepare(self) -> None:
        self._db.text_factory = _as_text
        self._db.create_function("delivery_checksum", 3, delivery_checksum, deterministic=True)
        self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._db.execute(f"PRAGMA page_size = {PAGE_BYTES}")  # of a new file
        if is_of_another_program(self._db):  # before anything is written to it
            raise of_another_program(self._path)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute(f"PRAGMA journal_size_limit = {_WAL_LIMIT_BYTES}")
        self._db.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        self._db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        self._db.execute("PRAGMA cell_size_check = ON")
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if log_is_damaged(self._path):  # looked at under the lock, and before anything is written to it
            # Moved now: when SQLite closes the file, it deletes the log with all that it does not read.
            raise StoreError(f"{self._path}: its log is damaged", corrupt=True, moved_to=quarantine(self._path))
        self._db.execute("BEGIN IMMEDIATE")  # fails where the file cannot be written
        self._db.execute("ROLLBACK")
        if version == 0:
            self._db.executescript(_SCHEMA)
            return
        if version in _MIGRATIONS:
            self._db.executescript(_MIGRATIONS[version])
            version = 3
        if version == 3:
            self._add_checksums()
        elif version != _SCHEMA_VERSION:
            raise StoreError(f"{self._path}: it was written by another version (schema {version})", corrupt=True)

    def _add_checksums(self) -> None:
        """Migrate from version 3. Begins again where it was interrupted; the log stays short."""
        for table, column in (("rows", "checksum"), ("rows", "delivery_checksum"), ("sessions", "checksum")):
            if column not in {name for _, name, *_ in self._db.execute(f"PRAGMA table_info({table})")}:
                self._db.execute(f"ALTER TABLE {table} ADD COLUMN {column} INTEGER")
        last_id = 0
        while page := self._db.execute(
            f"SELECT {_COLUMNS} FROM rows WHERE id > ? ORDER BY id LIMIT ?", (last_id, _PAGE_ROWS)
        ).fetchall():
            last_id = page[-1][0]
            with self._transaction():
                self._db.executemany(
                    "UPDATE rows SET checksum = ?, delivery_checksum = CASE WHEN delivered_ms IS NOT NULL "
                    "THEN delivery_checksum(id, delivered_ms, delivered_clock_synced) END WHERE id = ?",
                    [(row_checksum(*fields), fields[0]) for fields in page],
                )
        with self._transaction():
            sessions = self._db.execute("SELECT id, started_ms, clock_synced, lost FROM sessions").fetchall()
            self._db.executemany(
                "UPDATE sessions SET checksum = ? WHERE id = ?",
                [(session_checksum(*fields), fields[0]) for fields in sessions],
            )
            self._db.execute(_DAMAGED_ROWS)
            self._db.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")

    def examine(self) -> None:
        """Check every page and row. For when fewer rows can be read than there must be."""
        with translated(self._path):
            before, damaged = self._totals, len(self._damaged)
            self._totals = self._examine(opening=False)
            found = len(self._damaged) - damaged
            self._vanished += max(0, before.pending - self._totals.pending - found)

    def take_damage(self) -> tuple[list[int], int]:
        """Ids of undelivered rows that were found to be damaged since the last time, and how many more are gone."""
        damage = (self._damaged, self._vanished)
        self._damaged, self._vanished = [], 0
        return damage

    def checkpoint(self) -> None:
        """Move what is in the log into the file, unless nothing was written since the last time."""
        if self._uncheckpointed:
            with translated(self._path):
                self._db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            self._uncheckpointed = False

    def _examine(self, *, opening: bool) -> Totals:
        """Check pages and rows, and quarantine what is damaged.

        Args:
            opening: Whether nothing was read from the file yet. A row of which nobody knows whether it was delivered is
                sent (again) then. Later its turn is over: it counts as delivered, and those who miss it ask for it.
        """
        self._check_pages("integrity_check")
        (encoding,) = self._db.execute("PRAGMA encoding").fetchone()
        if encoding != "UTF-8":
            raise StoreError(f"{self._path}: its head is damaged", corrupt=True)
        damaged, uncertain, rows, newest = [], [], 0, 1
        for fields in self._db.execute(f"SELECT {_ALL_COLUMNS} FROM rows"):
            rows += 1
            delivered = _is_delivered(fields)
            if not _is_sound(fields):
                damaged.append(fields)
                continue
            if delivered is None:
                uncertain.append(fields[0])
            newest = max(newest, fields[6], fields[7] if delivered else 1)
        if 2 * len(damaged) > rows:  # more than the rows is damaged
            raise StoreError(f"{self._path}: {len(damaged)} of {rows} events in it are damaged", corrupt=True)
        if damaged:
            self._set_aside(damaged)
        if uncertain:
            at_ms, synced = (None, 1) if opening else (newest, 1)
            with self._transaction():
                self._db.executemany(
                    "UPDATE rows SET delivered_ms = ?, delivered_clock_synced = ?, delivery_checksum = ? WHERE id = ?",
                    [
                        (at_ms, synced, None if at_ms is None else delivery_checksum(row_id, at_ms, synced), row_id)
                        for row_id in uncertain
                    ],
                )
        self._repair_sessions()
        return self._count()

    def _check_pages(self, pragma: str) -> None:
        (found,) = self._db.execute(f"PRAGMA {pragma}(1)").fetchone()
        if found != "ok":
            raise StoreError(f"{self._path}: pages of it are damaged", corrupt=True)

    def _set_aside(self, damaged: Sequence[tuple[Any, ...]]) -> None:
        """Move rows that are not as they were stored to a table of their own."""
        ids = [(fields[0],) for fields in damaged]
        with self._transaction():
            self._db.executemany(
                f"INSERT INTO damaged_rows SELECT datetime('now'), {_ALL_COLUMNS} FROM rows WHERE id = ?", ids
            )
            deleted = self._db.executemany("DELETE FROM rows WHERE id = ?", ids).rowcount
            self._db.execute(
                "DELETE FROM damaged_rows WHERE rowid <= (SELECT MAX(rowid) FROM damaged_rows) - ?",
                (_MAX_DAMAGED_ROWS,),
            )
        if deleted != len(ids):
            raise StoreError(f"{self._path}: pages of it are damaged", corrupt=True)
        self._deleted_to = max(self._deleted_to, *(row_id for (row_id,) in ids))
        self.set_aside += len(ids)
        self._damaged += [fields[0] for fields in damaged if not _is_delivered(fields)]

    def _repair_sessions(self) -> None:
        """Delete damaged records of runs. What their rows say about them takes their place."""
        found = self._db.execute("SELECT rowid, id, started_ms, clock_synced, lost, checksum FROM sessions").fetchall()
        damaged = [(rowid,) for rowid, *fields, checksum in found if session_checksum(*fields) != checksum]
        if not damaged:
            return
        with self._transaction():
            self._db.executemany("DELETE FROM sessions WHERE rowid = ?", damaged)
        known = {session.id for session in self.sessions()}
        for session, mono_ms, wall_ms in self._db.execute(
            "SELECT session, mono_ms, MIN(wall_ms) FROM rows GROUP BY session"
        ).fetchall():
            if session not in known:
                self._save(StoredSession(session, max(0, wall_ms - mono_ms), clock_synced=False, lost=0))

    def _count(self) -> Totals:
        rows, size, delivered = self._db.execute(
            "SELECT COUNT(*), COALESCE(SUM(LENGTH(payload)), 0), COUNT(delivered_ms) FROM rows"
        ).fetchone()
        return Totals(rows, size + rows * ROW_OVERHEAD_BYTES, rows - delivered)

    def write(self, rows: Sequence[Row], delivered: Sequence[Delivery]) -> None:
        """Add rows and note deliveries in one transaction. Unknown ids are ignored."""
        new = [(r.id, r.topic, r.session, r.seq, r.payload, r.mono_ms, r.wall_ms) for r in rows]
        with self._transaction():
            self._db.executemany(
                f"INSERT INTO rows ({_COLUMNS}, checksum) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [(*fields, row_checksum(*fields)) for fields in new],
            )
            marked = self._db.executemany(
                "UPDATE rows SET delivered_ms = ?, delivered_clock_synced = ?, delivery_checksum = ? "
                "WHERE id = ? AND delivered_ms IS NULL",
                [
                    (d.at_ms, d.clock_synced, delivery_checksum(d.row_id, d.at_ms, d.clock_synced), d.row_id)
                    for d in delivered
                ],
            ).rowcount
        self._add(len(rows), sum(row.cost_bytes for row in rows), len(rows) - max(0, marked))

    def undelivered(self, topic: str, after_id: int, limit: int) -> list[Row]:
        """The oldest undelivered rows of a topic with an id above ``after_id``."""
        with translated(self._path):
            # The tree of pages is searched for the first row. If it leads astray, the row before is not found either.
            before = self._db.execute("SELECT 1 FROM rows WHERE id = ?", (after_id,)).fetchone()
            if before is None and after_id > self._deleted_to:
                self._check_pages("quick_check")
        rows = self._select("topic = ? AND id > ? AND delivered_ms IS NULL", (topic, after_id), limit)
        if rows and rows[0].id <= after_id:
            raise StoreError(f"{self._path}: pages of it are damaged", corrupt=True)
        return rows

    def between(self, session: str, topic: str, first: int, last: int, limit: int) -> list[Row]:
        """Rows by their ``seq``, both ends included, delivered or not, at most ``limit``."""
        return self._select("session = ? AND topic = ? AND seq BETWEEN ? AND ?", (session, topic, first, last), limit)

    def trim(self, max_rows: int, max_bytes: int, keep: Collection[int]) -> list[Row]:
        """Delete the oldest delivered rows, then the oldest undelivered ones, which it returns."""
        lost: list[Row] = []
        for condition in ("delivered_ms IS NOT NULL", "delivered_ms IS NULL"):
            while self._totals.rows > max_rows or self._totals.size_bytes > max_bytes:
                page = [row for row in self._select(condition, (), _PAGE_ROWS + len(keep)) if row.id not in keep]
                excess = self._oldest_excess(page, max_rows, max_bytes)
                if not excess:
                    break
                undelivered = condition == "delivered_ms IS NULL"
                self._delete([row.id for row in excess], sum(row.cost_bytes for row in excess), pending=undelivered)
                lost += excess if undelivered else []
        return lost

    def expire(self, before_ms: int) -> int:
        """Delete rows delivered before that time; returns how many.

        All rows are looked at: old ones may lie behind any number that wait, or that waited long.
        """
        expired, last_id = 0, 0
        while True:
            with translated(self._path):
                found = self._db.execute(
                    "SELECT id, LENGTH(payload) FROM rows WHERE id > ? AND delivered_ms < ? ORDER BY id LIMIT ?",
                    (last_id, before_ms, _PAGE_ROWS),
                ).fetchall()
            if not found:
                return expired
            old = dict(found)
            self._delete(old, sum(old.values()) + len(old) * ROW_OVERHEAD_BYTES, pending=False)
            expired, last_id = expired + len(old), found[-1][0]

    def newest_delivery(self) -> int:
        """The time in ms of the newest delivery; 0 where there is none."""
        with translated(self._path):
            (newest,) = self._db.execute("SELECT COALESCE(MAX(delivered_ms), 0) FROM rows").fetchone()
        return int(newest)

    def resolve_times(self, by_ms: int, now_ms: int) -> None:
        """Shift the deliveries of an unset clock by ``by_ms``; leave none after ``now_ms``."""
        with self._transaction():
            self._db.execute(
                "UPDATE rows SET delivered_clock_synced = 1, (delivered_ms, delivery_checksum) = "
                "(SELECT at_ms, delivery_checksum(id, at_ms, 1) FROM (SELECT "
                "MAX(1, MIN(:now, delivered_ms + CASE WHEN delivered_clock_synced THEN 0 ELSE :by END)) AS at_ms)) "
                "WHERE delivered_ms IS NOT NULL AND (NOT delivered_clock_synced OR delivered_ms > :now) "
                f"AND {_DELIVERY_IS_SOUND}",
                {"by": by_ms, "now": now_ms},
            )

    def shift_times(self, by_ms: int) -> None:
        """Shift the deliveries of a set clock."""
        with self._transaction():
            self._db.execute(
                "UPDATE rows SET (delivered_ms, delivery_checksum) = "
                "(SELECT at_ms, delivery_checksum(id, at_ms, 1) FROM (SELECT MAX(1, delivered_ms + ?) AS at_ms)) "
                f"WHERE delivered_ms IS NOT NULL AND delivered_clock_synced AND {_DELIVERY_IS_SOUND}",
                (by_ms,),
            )

    def purge(self, topic: str) -> int:
        """Delete all rows of a topic; returns how many."""
        with self._transaction():
            count = self._db.execute("DELETE FROM rows WHERE topic = ?", (topic,)).rowcount
        with translated(self._path):
            self._totals = self._count()
        return count

    def save_session(self, session: StoredSession) -> None:
        """Remember a run; forget runs of which no row is stored any more."""
        self._save(session)
        with self._transaction():
            self._db.execute(
                "DELETE FROM sessions WHERE id <> ? AND id NOT IN (SELECT session FROM rows)", (session.id,)
            )

    def _save(self, session: StoredSession) -> None:
        with self._transaction():
            self._db.execute(
                "INSERT OR REPLACE INTO sessions (id, started_ms, clock_synced, lost, checksum) VALUES (?, ?, ?, ?, ?)",
                (*session, session_checksum(*session)),
            )

    def sessions(self) -> list[StoredSession]:
        """The remembered runs, oldest first."""
        with translated(self._path):
            found = self._db.execute("SELECT id, started_ms, clock_synced, lost FROM sessions ORDER BY id").fetchall()
        return [StoredSession(key, started_ms, bool(synced), lost) for key, started_ms, synced, lost in found]

    def last_delivered(self) -> dict[tuple[str, str], int]:
        """The highest delivered ``seq`` by session and topic."""
        with translated(self._path):
            found = self._db.execute(
                "SELECT session, topic, MAX(seq) FROM rows WHERE delivered_ms IS NOT NULL GROUP BY session, topic"
            ).fetchall()
        return {(session, topic): seq for session, topic, seq in found}

    def totals(self) -> Totals:
        """What the file holds, counted when it was opened and kept up to date since."""
        return self._totals

    def last_id(self) -> int:
        """The highest row id, 0 where there is none."""
        with translated(self._path):
            (last,) = self._db.execute("SELECT COALESCE(MAX(id), 0) FROM rows").fetchone()
        return int(last)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _select(self, condition: str, values: Sequence[object], limit: int) -> list[Row]:
        """Rows in order; damaged ones are quarantined, and others take their place."""
        while True:
            with translated(self._path):
                found = self._db.execute(
                    f"SELECT {_ALL_COLUMNS} FROM rows WHERE {condition} ORDER BY id LIMIT ?", (*values, limit)
                ).fetchall()
                if any(row[0] >= following[0] for row, following in pairwise(found)):
                    raise StoreError(f"{self._path}: pages of it are damaged", corrupt=True)
                damaged = [fields for fields in found if not _is_sound(fields)]
                if not damaged:
                    return [Row(*fields[:7]) for fields in found]
                self._set_aside(damaged)
                self._totals = self._count()

    def _oldest_excess(self, rows: Sequence[Row], max_rows: int, max_bytes: int) -> list[Row]:
        """The first of these rows whose deletion brings the store back to its limits."""
        over_rows, over_bytes = self._totals.rows - max_rows, self._totals.size_bytes - max_bytes
        excess: list[Row] = []
        for row in rows:
            if over_rows <= 0 and over_bytes <= 0:
                break
            excess.append(row)
            over_rows, over_bytes = over_rows - 1, over_bytes - row.cost_bytes
        return excess

    def _delete(self, ids: Collection[int], size_bytes: int, *, pending: bool) -> None:
        with self._transaction():
            self._db.executemany("DELETE FROM rows WHERE id = ?", ((row_id,) for row_id in ids))
        self._deleted_to = max(self._deleted_to, *ids)
        self._add(-len(ids), -size_bytes, -len(ids) if pending else 0)

    def _add(self, rows: int, size_bytes: int, pending: int) -> None:
        before = self._totals
        self._totals = Totals(before.rows + rows, before.size_bytes + size_bytes, before.pending + pending)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with translated(self._path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
                self._uncheckpointed = True
            except BaseException:
                # SQLite has already rolled back by itself where the disk was full or failing.
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise


def _as_text(raw: bytes) -> str:
    """Text as it is stored; damaged text may not be UTF-8."""
    return raw.decode("utf-8", "surrogateescape")


def _is_sound(fields: Sequence[Any]) -> bool:
    """Whether a row, with all its columns, holds what was stored."""
    return bool(fields[9] == row_checksum(*fields[:7]))


def _is_delivered(fields: Sequence[Any]) -> bool | None:
    """Whether a row, with all its columns, was delivered; ``None`` where that is damaged."""
    return is_delivered(fields[0], fields[7], fields[8], fields[10])
