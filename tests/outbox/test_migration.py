"""A file that version 0.1.0 of the agent wrote, opened by this one.

``data/outbox-0.1.0.db`` was left by two runs of that version's outbox. The first had a set clock and delivered three of
six events. The second started with an unset clock, delivered five more and left three.
"""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from edge_agent.outbox.checksums import is_delivered, row_checksum, session_checksum
from edge_agent.outbox.fallback_store import FallbackStore
from edge_agent.outbox.recovery import recover_rows
from edge_agent.outbox.retention import Retention
from edge_agent.outbox.sqlite_store import _MIGRATIONS, SqliteStore
from edge_agent.outbox.store import StoredSession
from tests.support.clocks import SteppedClock
from tests.support.samples import a_row

WRITTEN_BY_0_1_0 = Path(__file__).parent / "data" / "outbox-0.1.0.db"
FIRST, SECOND = "01M81KPPFC0N5QFR", "01M81NZZZZ0N5QFS"
SYNCED = [(row_id, 1_700_000_009_750, 1) for row_id in (1, 2, 3)]
UNSET = [(row_id, 1_700_000_018_500, 0) for row_id in (4, 5, 6, 7, 8)]
PENDING = [9, 10, 11]
KILLED_AT = """
import os, signal, sqlite3, sys
from pathlib import Path

connect = sqlite3.connect

def connect_and_watch(*args, **more):
    db = connect(*args, **more)
    db.set_trace_callback(lambda text: text.strip().startswith(sys.argv[2]) and os.kill(os.getpid(), signal.SIGKILL))
    return db

sqlite3.connect = connect_and_watch
from edge_agent.outbox.sqlite_store import SqliteStore
store = SqliteStore(Path(sys.argv[1]))  # kept: who lets go of it closes it
os.kill(os.getpid(), signal.SIGKILL)
"""
"""Opens a file and dies: before a statement that begins with these words, or with the file open."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return Path(shutil.copy(WRITTEN_BY_0_1_0, tmp_path / "outbox.db"))


def select(path: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute(query).fetchall()


def assert_migrated(path: Path) -> None:
    """Every row is as it was, the time of its delivery in two columns."""
    unchanged = "SELECT id, topic, session, seq, payload, mono_ms, wall_ms FROM rows ORDER BY id"
    assert select(path, unchanged) == select(WRITTEN_BY_0_1_0, unchanged)
    delivered = "SELECT id, delivered_ms, delivered_clock_synced FROM rows WHERE delivered_ms IS NOT NULL ORDER BY id"
    assert select(path, delivered) == [*SYNCED, *UNSET]
    assert select(path, "SELECT id FROM rows WHERE delivered_ms IS NULL ORDER BY id") == [(i,) for i in PENDING]
    assert select(path, "PRAGMA user_version") == [(4,)]
    assert_checksums_fit(path)
    assert select(path, "PRAGMA integrity_check") == [("ok",)]


def assert_checksums_fit(path: Path) -> None:
    """Every row, delivery and session has the checksum of what it holds."""
    rows = select(path, "SELECT id, topic, session, seq, payload, mono_ms, wall_ms, checksum FROM rows")
    assert [row[-1] for row in rows] == [row_checksum(*row[:-1]) for row in rows]
    deliveries = select(path, "SELECT id, delivered_ms, delivered_clock_synced, delivery_checksum FROM rows")
    assert all(is_delivered(*delivery) is (delivery[1] is not None) for delivery in deliveries)
    sessions = select(path, "SELECT id, started_ms, clock_synced, lost, checksum FROM sessions")
    assert [session[-1] for session in sessions] == [session_checksum(*session[:-1]) for session in sessions]


@pytest.fixture
def of_version_3(path: Path) -> Path:
    """The same file after the migration that version 3 made of it, with a row that version 3 added."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.executescript(_MIGRATIONS[2])
        db.execute("INSERT INTO rows VALUES (12, 'summary', ?, 3, x'7b7d', 5, 6, NULL, 1)", (SECOND,))
    return path


def test_the_file_says_what_it_should(path: Path) -> None:
    assert select(path, "PRAGMA user_version") == [(2,)]
    signs = select(path, "SELECT id, SIGN(delivered_ms) FROM rows ORDER BY id")
    assert signs == [*((i, 1) for i in (1, 2, 3)), *((i, -1) for i in (4, 5, 6, 7, 8)), *((i, None) for i in PENDING)]


def test_rows_sessions_and_deliveries_are_all_there(path: Path) -> None:
    store = SqliteStore(path)
    assert [row.id for row in store.undelivered("expression", 0, 10)] == [9, 11]
    assert [row.id for row in store.undelivered("summary", 0, 10)] == [10]
    assert [row.seq for row in store.between(FIRST, "expression", 1, 9, 10)] == [1, 2, 3, 4]
    assert store.last_delivered() == {
        (FIRST, "expression"): 4,
        (FIRST, "summary"): 2,
        (SECOND, "expression"): 1,
        (SECOND, "summary"): 1,
    }
    assert store.sessions() == [
        StoredSession(FIRST, 1_700_000_000_000, True, 0),
        StoredSession(SECOND, 1_600_000_000_000, False, 0),
    ]
    assert (store.totals().rows, store.totals().pending, store.last_id()) == (11, 3, 11)
    store.write([a_row(12)], [])
    store.close()
    assert select(path, "SELECT COUNT(*) FROM rows") == [(12,)]


def test_every_row_is_as_it_was(path: Path) -> None:
    SqliteStore(path).close()
    assert_migrated(path)
    SqliteStore(path).close()
    assert_migrated(path)


@pytest.mark.parametrize(
    ("statement", "version"),
    [
        ("BEGIN", 2),
        ("ALTER", 2),
        ("UPDATE rows SET delivered", 2),
        ("PRAGMA user_version = 3", 2),
        ("COMMIT", 2),
        ("ALTER TABLE rows ADD COLUMN delivery_checksum", 3),
        ("UPDATE rows SET checksum", 3),
        ("UPDATE sessions", 3),
        ("PRAGMA user_version = 4", 3),
        ("none", 4),
    ],
)
def test_a_migration_that_is_killed_half_way_is_done_at_the_next_start(
    path: Path, statement: str, version: int
) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED_AT, str(path), statement], check=False)
    assert done.returncode == -signal.SIGKILL
    assert select(path, "PRAGMA user_version") == [(version,)]
    SqliteStore(path).close()
    assert_migrated(path)


def test_a_migration_whose_log_is_cut_off_anywhere_is_done_at_the_next_start(path: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", KILLED_AT, str(path), "none"], check=False)
    log = (tmp_path / "outbox.db-wal").read_bytes()
    versions = set()
    for length in range(0, len(log) + 1, 1000):
        cut = tmp_path / f"cut-{length}.db"
        shutil.copy(path, cut)
        Path(f"{cut}-wal").write_bytes(log[:length])
        versions.add(select(cut, "PRAGMA user_version")[0][0])
        SqliteStore(cut).close()
        assert_migrated(cut)
    assert {2, 3} <= versions


def test_a_file_of_version_3_gets_its_checksums(of_version_3: Path) -> None:
    store = SqliteStore(of_version_3)
    assert [row.id for row in store.undelivered("summary", 0, 10)] == [10, 12]
    assert store.sessions()[0] == StoredSession(FIRST, 1_700_000_000_000, True, 0)
    assert (store.totals().rows, store.totals().pending, store.set_aside) == (12, 4, 0)
    store.close()
    assert_checksums_fit(of_version_3)
    with of_version_3.open("r+b") as file:
        file.write(b"\xa5" * 4096)
    assert [row.id for row in recover_rows(of_version_3).pending] == [*PENDING, 12]


def test_each_delivery_is_kept_by_the_clock_it_was_noted_with(path: Path) -> None:
    """The set clock's deliveries are a day old; those of the unset one count from the end of its run."""
    store = FallbackStore(path)
    clock = SteppedClock(wall=1_700_000_009.750 + 23.5 * 3600)
    retention = Retention(store, clock, keep_s=24 * 3600)
    retention.turn()
    assert store.totals().rows == 11
    clock.advance(3600)
    retention.turn()
    assert [row.id for row in store.between(FIRST, "expression", 1, 9, 10)] == [4, 5]
    clock.advance(24 * 3600)
    retention.turn()
    assert (store.totals().rows, store.totals().pending) == (3, 3)
    store.close()


def test_a_damaged_file_of_that_version_is_recovered(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"\xa5" * 4096)
    found = recover_rows(path)
    assert [row.id for row in found.pending] == PENDING
    assert [(d.row_id, d.at_ms, int(d.clock_synced)) for d in found.delivered] == [*SYNCED, *UNSET]
    assert [session.id for session in found.sessions] == [FIRST, SECOND]


def test_a_file_of_a_later_version_goes_to_quarantine_and_its_rows_go_on(path: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("ALTER TABLE rows ADD COLUMN of_a_later_version TEXT")
        db.execute("PRAGMA user_version = 5")
    store = FallbackStore(path)
    assert (store.storage, store.quarantined) == ("disk", 1)
    assert (store.totals().rows, store.totals().pending) == (11, 3)
    store.close()
    assert len(list(tmp_path.glob("outbox.db.corrupt-*"))) == 1
