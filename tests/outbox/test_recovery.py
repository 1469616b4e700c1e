"""Damaged outbox files: what is not in the damaged place is recovered."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from edge_agent.outbox.fallback_store import FallbackStore
from edge_agent.outbox.recovery import recover_rows
from edge_agent.outbox.sqlite_store import SqliteStore
from edge_agent.outbox.store import Row, StoredSession
from tests.support.samples import a_delivery

PAGE = 4096
SESSION = "01JD5W7T4KQ2AAAA"
EVENTS = 2000


def an_event(row_id: int) -> Row:
    payload = json.dumps({"v": 1, "session": SESSION, "seq": row_id, "note": "x" * 300}).encode()
    return Row(row_id, "expression", SESSION, row_id, payload, row_id, 1_700_000_000_000 + row_id)


@pytest.fixture(params=["all in the file", "the last in its log"])
def outbox(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """An outbox as a killed agent leaves it: 2000 events, the first hundred of them delivered."""
    store = SqliteStore(tmp_path / "made.db")
    store.save_session(StoredSession(SESSION, 1_700_000_000_000, True, 0))
    store.write([an_event(n) for n in range(1, 1500)], [a_delivery(n, 5) for n in range(1, 101)])
    if request.param == "all in the file":
        store._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store.write([an_event(n) for n in range(1500, EVENTS + 1)], [])
    for suffix in ("", "-wal"):
        shutil.copy(tmp_path / f"made.db{suffix}", tmp_path / f"outbox.db{suffix}")
    store.close()
    return tmp_path / "outbox.db"


def overwrite(file: Path, start: int, length: int) -> None:
    with file.open("r+b") as handle:
        handle.seek(start)
        handle.write(b"\xa5" * min(length, file.stat().st_size - start))


def test_an_undamaged_file_is_read_whole(outbox: Path) -> None:
    found = recover_rows(outbox)
    assert found.rows == [an_event(n) for n in range(1, EVENTS + 1)]
    assert len(found.pending) == EVENTS - 100
    assert found.sessions == [StoredSession(SESSION, 1_700_000_000_000, True, 0)]


@pytest.mark.parametrize("length", [16, 100, PAGE])
def test_nothing_is_lost_with_the_first_page(outbox: Path, length: int) -> None:
    overwrite(outbox, 0, length)
    assert len(recover_rows(outbox).rows) == EVENTS


def test_a_bad_page_in_the_middle_costs_the_events_on_it(outbox: Path) -> None:
    overwrite(outbox, outbox.stat().st_size // 2 // PAGE * PAGE, PAGE)
    rows = recover_rows(outbox).rows
    assert len(rows) >= EVENTS - 20
    assert all(row == an_event(row.id) for row in rows)


def test_of_a_file_that_was_cut_off_the_rest_is_saved(outbox: Path) -> None:
    store = SqliteStore(outbox)
    store.close()  # moves everything from the log into the file
    with outbox.open("r+b") as handle:
        handle.truncate(outbox.stat().st_size // 2)
    assert len(recover_rows(outbox).rows) > EVENTS // 3


def test_a_file_of_something_else_gives_nothing(tmp_path: Path) -> None:
    (tmp_path / "outbox.db").write_bytes(b"garbage " * 1000)
    assert recover_rows(tmp_path / "outbox.db").rows == []


def test_an_outbox_with_a_damaged_head_goes_on_with_all_its_events(outbox: Path) -> None:
    overwrite(outbox, 0, 100)
    store = FallbackStore(outbox)
    assert (store.storage, store.totals().pending) == ("disk", EVENTS - 100)
    assert [session.id for session in store.sessions()] == [SESSION]
    assert store.undelivered("expression", 0, 1)[0].id == 101
    store.close()
