"""The outbox on disk: one SQLite file in WAL mode, ``synchronous = FULL``.

A write that has returned survives the death of the process and, as far as the storage keeps its word about flushing, a
power cut. The file is locked for as long as it is open, so that two agents never send the same rows.

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
from edge_agent.outbox.store import ROW_OVERHEAD_BYTES, Row, StoredSession, StoreError, Totals

_SCHEMA_VERSION = 2
SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS rows (
    id INTEGER PRIMARY KEY,
    topic TEXT NOT NULL,
    session TEXT NOT NULL,
    seq INTEGER NOT NULL,
    payload BLOB NOT NULL,
    mono_ms INTEGER NOT NULL,
    wall_ms INTEGER NOT NULL,
    delivered_ms INTEGER
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
_FROM_VERSION_1 = """
BEGIN IMMEDIATE;
UPDATE rows SET delivered_ms = -(SELECT MAX(delivered_ms, 1) FROM (SELECT MAX(delivered_ms) AS delivered_ms FROM rows))
WHERE delivered_ms IS NOT NULL;
PRAGMA user_version = 2;
COMMIT;
"""
"""Version 1 dated deliveries by the clock, set or not: as nobody can tell which, they all count as just delivered."""
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
        except OSError:  # the disk will tell when it is written to
            return True

    def put_in_place(self) -> None:
        """Write the file anew where it was opened, after it was deleted or its folder moved; closes it.

        What stands in its place meanwhile is set aside.
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
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute(f"PRAGMA journal_size_limit = {_WAL_LIMIT_BYTES}")
        self._db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version == 1:
            self._db.executescript(_FROM_VERSION_1)
        elif version not in (0, _SCHEMA_VERSION):
            raise StoreError(f"{self._path} was written by another version (schema {version})", corrupt=True)
        if version == 0:
            self._db.executescript(SCHEMA)

    def _count(self) -> Totals:
        rows, size, delivered = self._db.execute(
            "SELECT COUNT(*), COALESCE(SUM(LENGTH(payload)), 0), COUNT(delivered_ms) FROM rows"
        ).fetchone()
        return Totals(rows, size + rows * ROW_OVERHEAD_BYTES, rows - delivered)

    def write(self, rows: Sequence[Row], delivered: Sequence[tuple[int, int]]) -> None:
        """See :class:`~edge_agent.outbox.store.Store`."""
        with self._transaction():
            self._db.executemany(
                f"INSERT INTO rows ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",
                [(r.id, r.topic, r.session, r.seq, r.payload, r.mono_ms, r.wall_ms) for r in rows],
            )
            marked = self._db.executemany(
                "UPDATE rows SET delivered_ms = ? WHERE id = ? AND delivered_ms IS NULL",
                [(at_ms, row_id) for row_id, at_ms in delivered],
            ).rowcount
        self._add(len(rows), sum(row.cost_bytes for row in rows), len(rows) - max(0, marked))

    def undelivered(self, topic: str, after_id: int, limit: int) -> list[Row]:
        """See :class:`~edge_agent.outbox.store.Store`."""
        return self._select("topic = ? AND id > ? AND delivered_ms IS NULL", (topic, after_id), limit)

    def between(self, session: str, topic: str, first: int, last: int, limit: int) -> list[Row]:
        """See :class:`~edge_agent.outbox.store.Store`."""
        return self._select("session = ? AND topic = ? AND seq BETWEEN ? AND ?", (session, topic, first, last), limit)

    def trim(self, max_rows: int, max_bytes: int, keep: Collection[int]) -> list[Row]:
        """See :class:`~edge_agent.outbox.store.Store`."""
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
        """See :class:`~edge_agent.outbox.store.Store`. Stops at the first thousand rows that are all to stay."""
        expired, last_id = 0, 0
        while True:
            with _translated():
                page = self._db.execute(
                    "SELECT id, LENGTH(payload), delivered_ms FROM rows WHERE id > ? ORDER BY id LIMIT ?",
                    (last_id, _PAGE_ROWS),
                ).fetchall()
            old = {row_id: size for row_id, size, at_ms in page if at_ms is not None and abs(at_ms) < before_ms}
            if not old:
                return expired
            self._delete(old, sum(old.values()) + len(old) * ROW_OVERHEAD_BYTES, pending=False)
            expired, last_id = expired + len(old), page[-1][0]

    def newest_delivery(self) -> int:
        """See :class:`~edge_agent.outbox.store.Store`."""
        with _translated():
            (newest,) = self._db.execute("SELECT COALESCE(MAX(ABS(delivered_ms)), 0) FROM rows").fetchone()
        return int(newest)

    def settle(self, by_ms: int, now_ms: int) -> None:
        """See :class:`~edge_agent.outbox.store.Store`."""
        with self._transaction():
            self._db.execute(
                "UPDATE rows SET delivered_ms = "
                "MAX(1, MIN(:now, CASE WHEN delivered_ms < 0 THEN :by - delivered_ms ELSE delivered_ms END)) "
                "WHERE delivered_ms < 0 OR delivered_ms > :now",
                {"by": by_ms, "now": now_ms},
            )

    def redate(self, by_ms: int) -> None:
        """See :class:`~edge_agent.outbox.store.Store`."""
        with self._transaction():
            self._db.execute("UPDATE rows SET delivered_ms = MAX(1, delivered_ms + ?) WHERE delivered_ms > 0", (by_ms,))

    def purge(self, topic: str) -> int:
        """See :class:`~edge_agent.outbox.store.Store`."""
        with self._transaction():
            count = self._db.execute("DELETE FROM rows WHERE topic = ?", (topic,)).rowcount
        with _translated():
            self._totals = self._count()
        return count

    def save_session(self, session: StoredSession) -> None:
        """See :class:`~edge_agent.outbox.store.Store`."""
        with self._transaction():
            self._db.execute("INSERT OR REPLACE INTO sessions VALUES (?, ?, ?, ?)", session)
            self._db.execute(
                "DELETE FROM sessions WHERE id <> ? AND id NOT IN (SELECT session FROM rows)", (session.id,)
            )

    def sessions(self) -> list[StoredSession]:
        """See :class:`~edge_agent.outbox.store.Store`."""
        with _translated():
            found = self._db.execute("SELECT id, started_ms, clock_synced, lost FROM sessions ORDER BY id").fetchall()
        return [StoredSession(key, started_ms, bool(synced), lost) for key, started_ms, synced, lost in found]

    def last_delivered(self) -> dict[tuple[str, str], int]:
        """See :class:`~edge_agent.outbox.store.Store`."""
        with _translated():
            found = self._db.execute(
                "SELECT session, topic, MAX(seq) FROM rows WHERE delivered_ms IS NOT NULL GROUP BY session, topic"
            ).fetchall()
        return {(session, topic): seq for session, topic, seq in found}

    def totals(self) -> Totals:
        """See :class:`~edge_agent.outbox.store.Store`."""
        return self._totals

    def last_id(self) -> int:
        """See :class:`~edge_agent.outbox.store.Store`."""
        with _translated():
            (last,) = self._db.execute("SELECT COALESCE(MAX(id), 0) FROM rows").fetchone()
        return int(last)

    def close(self) -> None:
        """See :class:`~edge_agent.outbox.store.Store`."""
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
    """Turn what SQLite and the file system say into :class:`StoreError`."""
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
