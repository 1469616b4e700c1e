"""Disk first, memory while the disk fails, and back."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from edge_agent.outbox.fallback_store import MEMORY_MAX_ROWS, FallbackStore
from edge_agent.outbox.sqlite_store import SqliteStore
from edge_agent.outbox.store import StoredSession
from tests.support.samples import a_delivery, a_row


def ids(store: FallbackStore) -> list[int]:
    return [row.id for row in store.undelivered("expression", 0, 100)]


def fill_up(store: FallbackStore) -> None:
    """Leave the file no room for another page."""
    assert store._disk is not None
    store._disk._db.execute("PRAGMA max_page_count = 1")


def make_room(store: FallbackStore) -> None:
    assert store._disk is not None
    store._disk._db.execute("PRAGMA max_page_count = 1000000")


BIG = b"x" * 5000


def test_a_full_disk_degrades_to_memory_and_loses_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = FallbackStore(tmp_path / "outbox.db")
    store.write([a_row(1)], [])
    fill_up(store)
    store.write([a_row(2, payload=BIG)], [])
    store.write([a_row(3, payload=BIG)], [a_delivery(1)])
    assert store.storage == "degraded"
    assert ids(store)[-2:] == [2, 3]
    assert len(caplog.records) == 1
    store.close()


def test_what_waited_in_memory_is_on_disk_once_there_is_room(tmp_path: Path) -> None:
    store = FallbackStore(tmp_path / "outbox.db")
    store.write([a_row(1)], [])
    fill_up(store)
    store.write([a_row(2, payload=BIG), a_row(3, payload=BIG)], [])
    store.write([], [a_delivery(1), a_delivery(2)])
    store.save_session(StoredSession("S1", 1, clock_synced=True, lost=0))
    store.retry_disk()
    still = store.storage
    make_room(store)
    store.retry_disk()
    assert (still, store.storage) == ("degraded", "disk")
    store.close()
    disk = SqliteStore(tmp_path / "outbox.db")
    assert [row.id for row in disk.undelivered("expression", 0, 10)] == [3]
    assert disk.totals().rows == 3
    assert [session.id for session in disk.sessions()] == ["S1"]
    disk.close()


def test_a_disk_that_cannot_be_used_at_the_start_is_used_later(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    store = FallbackStore(tmp_path / "data" / "outbox.db")
    store.write([a_row(1)], [])
    before = (store.storage, ids(store))
    (tmp_path / "data").unlink()
    store.retry_disk()
    assert before == ("degraded", [1])
    assert (store.storage, ids(store)) == ("disk", [1])
    store.close()


def test_a_corrupt_file_goes_to_quarantine_and_a_new_one_begins(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "outbox.db").write_bytes(b"garbage " * 1000)
    store = FallbackStore(tmp_path / "outbox.db")
    store.write([a_row(1)], [])
    assert (store.storage, store.quarantined, ids(store)) == ("disk", 1, [1])
    assert len(list(tmp_path.glob("outbox.db.corrupt-*"))) == 1
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    store.close()


def test_a_file_that_turns_corrupt_costs_only_what_is_nowhere_else(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    in_memory = [a_row(1), a_row(2)]
    store = FallbackStore(path, rescue=lambda: in_memory)
    store.write([a_row(i, payload=BIG) for i in range(1, 400)], [])
    assert store._disk is not None
    store._disk._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store._disk._db.execute("PRAGMA cache_size = 1")
    with path.open("r+b") as file:
        file.write(b"\xaa" * path.stat().st_size)
    store.undelivered("expression", 0, 1000)
    store.write([a_row(400)], [])
    store.retry_disk()
    assert (store.storage, store.quarantined, store.unreadable) == ("disk", 1, 397)
    assert ids(store) == [1, 2, 400]
    store.close()


def test_of_a_file_that_turns_corrupt_delivered_events_are_kept_as_well(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    store = FallbackStore(path)
    sound = b'{"session":"S1","seq":%d,"pad":"' + b"x" * 3500 + b'"}'
    store.write([a_row(i, payload=sound % i) for i in range(1, 400)], [a_delivery(i, i) for i in range(1, 300)])
    assert store._disk is not None
    store._disk._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store._disk._db.execute("PRAGMA cache_size = 1")
    with path.open("r+b") as file:
        file.seek(4096 * 100)
        file.write(b"\xaa" * 4096 * 20)
    read = store.undelivered("expression", 0, 1000)
    kept = [row.id for row in store.between("S1", "expression", 1, 400, 1000)]
    store.write([a_row(400)], [])
    store.retry_disk()
    assert (store.storage, store.quarantined) == ("disk", 1)
    assert [row.id for row in read] == list(range(300, 400))
    assert len(kept) > 300
    assert store.last_delivered() == {("S1", "expression"): 299}
    assert store.totals().pending == 101
    store.close()


@pytest.mark.parametrize("replaced", [False, True])
def test_a_file_whose_folder_is_deleted_or_replaced_is_written_anew(
    replaced: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "data" / "outbox.db"
    store = FallbackStore(path)
    store.write([a_row(1), a_row(2)], [a_delivery(1, 1)])
    path.parent.rename(tmp_path / "away")
    if replaced:
        other = SqliteStore(path)
        other.write([a_row(9)], [])
        other.close()
    store.write([a_row(3)], [a_delivery(2, 2)])
    store.retry_disk()
    assert (store.storage, store.opened, ids(store)) == ("disk", 2, [3])
    assert len(caplog.records) == 2
    store.write([a_row(4)], [])
    store.retry_disk()
    store.close()
    later = SqliteStore(path)
    assert [row.id for row in later.between("S1", "expression", 1, 9, 9)] == [1, 2, 3, 4]
    later.close()
    assert len(list(path.parent.glob("*.corrupt-*"))) == int(replaced)


def test_a_deleted_file_that_cannot_be_written_anew_is_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "data" / "outbox.db"
    store = FallbackStore(path)
    store.write([a_row(1)], [])
    path.parent.rename(tmp_path / "away")
    (tmp_path / "data").write_text("in the way")
    for _ in range(3):
        store.retry_disk()
    store.write([a_row(2)], [])
    trouble = (store.storage, ids(store), len(caplog.records))
    (tmp_path / "data").unlink()
    store.retry_disk()
    assert trouble == ("degraded", [1, 2], 2)
    assert (store.storage, ids(store)) == ("disk", [1, 2])
    store.close()


def test_memory_is_bounded_whatever_the_limits_of_the_disk(tmp_path: Path) -> None:
    store = FallbackStore(None)
    assert store.storage == "memory"
    store.write([a_row(i, payload=b"") for i in range(MEMORY_MAX_ROWS + 5)], [])
    assert [row.id for row in store.trim(10**9, 10**12, keep=())] == [0, 1, 2, 3, 4]
    assert not list(tmp_path.iterdir())


def test_what_is_lost_with_a_disk_that_never_worked_again_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("in the way of the folder")
    store = FallbackStore(tmp_path / "file" / "outbox.db")
    store.write([a_row(1), a_row(2)], [])
    store.close()
    assert "2 undelivered events in memory are lost" in caplog.text
