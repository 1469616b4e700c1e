"""The outbox on disk: one SQLite file in WAL mode, ``synchronous = FULL``.

A write that has returned survives the death of the process and, as far as the storage keeps its word about flushing, a
power cut. The file is locked for as long as it is open, so that two agents never send the same rows.

A file of an older version is migrated when it is opened. An older version of the agent does not know a newer file: it
treats it as corrupt, that is, it moves the file to quarantine and copies all its rows and sessions into a new one. It
then takes the time of every delivery as that of a set clock.

Rows are found by id alone: a second index would cost every commit another page on an SD card, for the sake of lookups
(start, resend) that are rare enough to scan.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from os.path import samestat
from pathlib import Path

from edge_agent.outbox.quarantine import quarantine
from edge_agent.outbox.sqlite_pages import PAGE_BYTES
from edge_agent.outbox.store import ROW_OVERHEAD_BYTES, Delivery, Row, StoredSession, StoreError, Totals

_SCHEMA_VERSION = 3
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
    delivered_clock_synced INTEGER NOT NULL DEFAULT 1
);
CREATE TABLE IF NOT EXISTS sessions (
    id TEXT PRIMARY KEY,
    started_ms INTEGER NOT NULL,
    clock_synced INTEGER NOT NULL,
    lost INTEGER NOT NULL
);
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
"""Makes a file of an older version one of this version, in one transaction. Only rows that differ are written anew."""
_COLUMNS = "id, topic, session, seq, payload, mono_ms, wall_ms"
_PAGE_ROWS = 1000
_WAL_LIMIT_BYTES = 4 * 1024 * 1024
_CACHE_KIB = 400
"""Rows are written once and read once, in order: a larger cache would only fill, in the course of hours."""


class SqliteStore:
    """A :class:`~edge_agent.outbox.store.Store` in a file.

    Raises:
        StoreError: The file cannot be opened or is no outbox.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with _translated():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=1.0)
        try:
            with _translated():
                self._prepare()
                self._totals = self._count()
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
        with _translated():
            self._path.parent.mkdir(parents=True, exist_ok=True)
            copy.unlink(missing_ok=True)
            with closing(sqlite3.connect(copy)) as target:
                self._db.backup(target)
            if self._path.exists():
                quarantine(self._path)
            self._db.close()  # now, for it deletes the log that has its name
            copy.replace(self._path)

    def _prepare(self) -> None:
        self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._db.execute(f"PRAGMA page_size = {PAGE_BYTES}")  # of a new file
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute(f"PRAGMA journal_size_limit = {_WAL_LIMIT_BYTES}")
        self._db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version == 0:
            self._db.executescript(_SCHEMA)
        elif version in _MIGRATIONS:
            self._db.executescript(_MIGRATIONS[version])
        elif version != _SCHEMA_VERSION:
            raise StoreError(f"{self._path} was written by another version (schema {version})", corrupt=True)

    def _count(self) -> Totals:
        rows, size, delivered = self._db.execute(
            "SELECT COUNT(*), COALESCE(SUM(LENGTH(payload)), 0), COUNT(delivered_ms) FROM rows"
        ).fetchone()
        return Totals(rows, size + rows * ROW_OVERHEAD_BYTES, rows - delivered)

    def write(self, rows: Sequence[Row], delivered: Sequence[Delivery]) -> None:
        """Add rows and note deliveries in one transaction. Unknown ids are ignored."""
        with self._transaction():
            self._db.executemany(
                f"INSERT INTO rows ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",
                [(r.id, r.topic, r.session, r.seq, r.payload, r.mono_ms, r.wall_ms) for r in rows],
            )
            marked = self._db.executemany(
                "UPDATE rows SET delivered_ms = ?, delivered_clock_synced = ? WHERE id = ? AND delivered_ms IS NULL",
                [(delivery.at_ms, delivery.clock_synced, delivery.row_id) for delivery in delivered],
            ).rowcount
        self._add(len(rows), sum(row.cost_bytes for row in rows), len(rows) - max(0, marked))

    def undelivered(self, topic: str, after_id: int, limit: int) -> list[Row]:
        """The oldest undelivered rows of a topic with an id above ``after_id``."""
        return self._select("topic = ? AND id > ? AND delivered_ms IS NULL", (topic, after_id), limit)

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
        """Delete rows delivered before that time; returns how many. Stops at a thousand rows of which none is old."""
        expired, last_id = 0, 0
        while True:
            with _translated():
                page = self._db.execute(
                    "SELECT id, LENGTH(payload), delivered_ms FROM rows WHERE id > ? ORDER BY id LIMIT ?",
                    (last_id, _PAGE_ROWS),
                ).fetchall()
            old = {row_id: size for row_id, size, at_ms in page if at_ms is not None and at_ms < before_ms}
            if not old:
                return expired
            self._delete(old, sum(old.values()) + len(old) * ROW_OVERHEAD_BYTES, pending=False)
            expired, last_id = expired + len(old), page[-1][0]

    def newest_delivery(self) -> int:
        """The time in ms of the newest delivery; 0 where there is none."""
        with _translated():
            (newest,) = self._db.execute("SELECT COALESCE(MAX(delivered_ms), 0) FROM rows").fetchone()
        return int(newest)

    def resolve_times(self, by_ms: int, now_ms: int) -> None:
        """Shift the deliveries of an unset clock by ``by_ms``; leave none after ``now_ms``."""
        with self._transaction():
            self._db.execute(
                "UPDATE rows SET delivered_clock_synced = 1, delivered_ms = "
                "MAX(1, MIN(:now, delivered_ms + CASE WHEN delivered_clock_synced THEN 0 ELSE :by END)) "
                "WHERE delivered_ms IS NOT NULL AND (NOT delivered_clock_synced OR delivered_ms > :now)",
                {"by": by_ms, "now": now_ms},
            )

    def shift_times(self, by_ms: int) -> None:
        """Shift the deliveries of a set clock."""
        with self._transaction():
            self._db.execute(
                "UPDATE rows SET delivered_ms = MAX(1, delivered_ms + ?) "
                "WHERE delivered_ms IS NOT NULL AND delivered_clock_synced",
                (by_ms,),
            )

    def purge(self, topic: str) -> int:
        """Delete all rows of a topic; returns how many."""
        with self._transaction():
            count = self._db.execute("DELETE FROM rows WHERE topic = ?", (topic,)).rowcount
        with _translated():
            self._totals = self._count()
        return count

    def save_session(self, session: StoredSession) -> None:
        """Remember a run; forget runs of which no row is stored any more."""
        with self._transaction():
            self._db.execute("INSERT OR REPLACE INTO sessions VALUES (?, ?, ?, ?)", session)
            self._db.execute(
                "DELETE FROM sessions WHERE id <> ? AND id NOT IN (SELECT session FROM rows)", (session.id,)
            )

    def sessions(self) -> list[StoredSession]:
        """The remembered runs, oldest first."""
        with _translated():
            found = self._db.execute("SELECT id, started_ms, clock_synced, lost FROM sessions ORDER BY id").fetchall()
        return [StoredSession(key, started_ms, bool(synced), lost) for key, started_ms, synced, lost in found]

    def last_delivered(self) -> dict[tuple[str, str], int]:
        """The highest delivered ``seq`` by session and topic."""
        with _translated():
            found = self._db.execute(
                "SELECT session, topic, MAX(seq) FROM rows WHERE delivered_ms IS NOT NULL GROUP BY session, topic"
            ).fetchall()
        return {(session, topic): seq for session, topic, seq in found}

    def totals(self) -> Totals:
        """What the file holds, counted when it was opened and kept up to date since."""
        return self._totals

    def last_id(self) -> int:
        """The highest row id, 0 where there is none."""
        with _translated():
            (last,) = self._db.execute("SELECT COALESCE(MAX(id), 0) FROM rows").fetchone()
        return int(last)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _select(self, condition: str, values: Sequence[object], limit: int) -> list[Row]:
        with _translated():
            found = self._db.execute(
                f"SELECT {_COLUMNS} FROM rows WHERE {condition} ORDER BY id LIMIT ?", (*values, limit)
            ).fetchall()
        return [Row(*fields) for fields in found]

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
        self._add(-len(ids), -size_bytes, -len(ids) if pending else 0)

    def _add(self, rows: int, size_bytes: int, pending: int) -> None:
        before = self._totals
        self._totals = Totals(before.rows + rows, before.size_bytes + size_bytes, before.pending + pending)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with _translated():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                # SQLite has already rolled back by itself where the disk was full or failing.
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise


@contextmanager
def _translated() -> Iterator[None]:
    """Turn errors of SQLite and the file system into :class:`StoreError`."""
    try:
        yield
    except sqlite3.OperationalError as error:
        reason = str(error)
        if "locked" in reason:
            reason = "the outbox file is in use by another process"
        usable = "disk is full" in reason or "readonly" in reason
        raise StoreError(reason, corrupt="no such" in reason, usable=usable) from error
    except sqlite3.IntegrityError as error:
        raise StoreError(f"rows with the same number exist already: {error}") from error
    except sqlite3.DatabaseError as error:
        raise StoreError(str(error), corrupt=True) from error
    except OSError as error:
        raise StoreError(error.strerror or str(error)) from error
