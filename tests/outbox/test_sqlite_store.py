"""What only the store on disk does: survive, lock, and say what is wrong with the medium."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from edge_agent.outbox.quarantine import quarantine
from edge_agent.outbox.sqlite_store import SqliteStore
from edge_agent.outbox.store import StoreError
from tests.support.full_disk import files_of_at_most
from tests.support.samples import a_delivery, a_row


def test_rows_and_deliveries_survive_closing(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "outbox.db")
    store.write([a_row(1), a_row(2)], [])
    store.write([], [a_delivery(1)])
    totals = store.totals()
    store.close()
    again = SqliteStore(tmp_path / "outbox.db")
    assert again.undelivered("expression", 0, 10) == [a_row(2)]
    assert again.totals() == totals
    again.close()


def test_what_was_written_survives_kill_9(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys; from pathlib import Path\n"
        "from edge_agent.outbox.sqlite_store import SqliteStore\n"
        "from tests.support.samples import a_row\n"
        "store = SqliteStore(Path(sys.argv[1]))\n"
        "for i in range(1, 51): store.write([a_row(i)], [])\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "outbox.db")], check=False)
    store = SqliteStore(tmp_path / "outbox.db")
    assert store.totals().rows == 50
    store.close()


def test_commits_are_flushed_to_the_medium_before_they_count(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "outbox.db")
    assert store._db.execute("PRAGMA synchronous").fetchone() == (2,)
    assert store._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    store.close()


def test_a_file_in_use_by_another_agent_is_refused(tmp_path: Path) -> None:
    first = SqliteStore(tmp_path / "outbox.db")
    with pytest.raises(StoreError, match="in use by another process") as caught:
        SqliteStore(tmp_path / "outbox.db")
    assert not caught.value.corrupt
    first.close()


@pytest.mark.parametrize("content", [b"not a database" * 100, b"SQLite format 3\x00" + b"\xff" * 5000])
def test_a_file_that_is_no_database_is_corrupt(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "outbox.db").write_bytes(content)
    with pytest.raises(StoreError) as caught:
        SqliteStore(tmp_path / "outbox.db")
    assert caught.value.corrupt


def test_a_damaged_page_is_found_when_the_file_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    store = SqliteStore(path)
    store.write([a_row(i) for i in range(1, 500)], [])
    store.close()
    with path.open("r+b") as file:
        file.seek(4096 * 4)
        file.write(b"\xaa" * 4096 * 4)
    with pytest.raises(StoreError) as caught:
        SqliteStore(path)
    assert caught.value.corrupt


@pytest.mark.parametrize("change", ["PRAGMA user_version = 99", "ALTER TABLE rows RENAME COLUMN payload TO body"])
def test_a_database_of_another_make_is_not_written_to(tmp_path: Path, change: str) -> None:
    path = tmp_path / "outbox.db"
    SqliteStore(path).close()
    database = sqlite3.connect(path)
    database.execute(change)
    database.close()
    with pytest.raises(StoreError) as caught:
        SqliteStore(path)
    assert caught.value.corrupt


def test_a_full_medium_changes_nothing_and_can_be_tried_again(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "outbox.db")
    store.write([a_row(1)], [])
    pages = store._db.execute("PRAGMA page_count").fetchone()[0]
    store._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError) as caught:
        store.write([a_row(i, payload=b"x" * 1000) for i in range(2, 50)], [a_delivery(1)])
    assert caught.value.usable
    assert store.undelivered("expression", 0, 10) == [a_row(1)]
    store._db.execute("PRAGMA max_page_count = 1000000")
    store.write([a_row(2)], [])
    assert store.totals().rows == 2
    store.close()


def test_a_medium_that_fails_to_write_is_an_error_of_the_medium(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "outbox.db")
    with files_of_at_most(8192), pytest.raises(StoreError) as caught:
        store.write([a_row(i, payload=b"x" * 1000) for i in range(1, 50)], [])
    assert not caught.value.corrupt
    store.close()


def test_a_folder_that_cannot_be_made_is_an_error_of_the_medium(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError) as caught:
        SqliteStore(tmp_path / "file" / "outbox.db")
    assert not caught.value.corrupt


def test_files_in_quarantine_do_not_pile_up(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / "outbox.db").write_text(str(number))
        quarantine(tmp_path / "outbox.db")
    assert [file.read_text() for file in sorted(tmp_path.glob("outbox.db.corrupt-*"))] == ["2", "3", "4"]
    assert len(list(tmp_path.iterdir())) == 3
