"""What SQLite and the file system say never reaches a user as it is: cause, file and remedy do."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from edge_agent.outbox.examination import examine_outbox
from edge_agent.outbox.fallback_store import FallbackStore
from edge_agent.outbox.sqlite_errors import explained, translated
from edge_agent.outbox.sqlite_store import SqliteStore
from edge_agent.outbox.store import StoreError

OWN_WORDS = {
    "disk I/O error": (False, False),
    "attempt to write a readonly database": (True, False),  # here the file can be written: its head says otherwise
    "database or disk is full": (False, True),
    "unable to open database file": (False, False),
    "database is locked": (False, False),
    "database table is locked": (False, False),
    "locking protocol": (False, False),
    "file is not a database": (True, False),
    "database disk image is malformed": (True, False),
    "malformed database schema (rows)": (True, False),
    "unsupported file format": (True, False),
    "no such table: rows": (True, False),
    "access permission denied": (False, False),
    "out of memory": (False, False),
}


@pytest.mark.parametrize("words", OWN_WORDS)
def test_sqlites_words_are_translated(words: str, tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    path.touch()
    error = explained(sqlite3.OperationalError(words), path)
    assert words not in str(error)
    assert str(path) in str(error)
    assert (error.corrupt, error.usable) == OWN_WORDS[words]
    assert error.corrupt or error.remedy


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EIO, errno.ENOENT, errno.ENOTDIR])
def test_errors_of_the_file_system_come_with_a_remedy(number: int, tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught, translated(tmp_path / "outbox.db"):
        raise OSError(number, "a word of the system")
    assert caught.value.remedy
    assert "a word of the system" not in str(caught.value)


def test_a_file_in_the_place_of_the_folder_is_named_with_the_command_that_mends_it(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(StoreError, match=f"{tmp_path}/data is a file, and a folder should be there") as caught:
        SqliteStore(tmp_path / "data" / "outbox.db")
    assert f"sudo mv {tmp_path}/data" in caught.value.remedy


def test_a_folder_in_the_place_of_the_file_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "outbox.db").mkdir()
    store = FallbackStore(tmp_path / "outbox.db")
    assert "it is a folder, and the outbox file should be there; events wait in memory" in caplog.text
    store.close()


def test_doctor_finds_what_the_agent_would_find(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    assert "can be written" in examine_outbox(path)
    SqliteStore(path).close()
    before = sorted(tmp_path.iterdir())
    assert "can be written" in examine_outbox(path)
    assert sorted(tmp_path.iterdir()) == before
    path.write_bytes(b"garbage " * 10)
    assert "is damaged" in examine_outbox(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(StoreError, match="it is a folder"):
        examine_outbox(path)


@pytest.mark.parametrize("version", [0, 4, 77])
def test_a_database_of_another_program_is_refused_alike_and_stays_as_it_is(tmp_path: Path, version: int) -> None:
    path = tmp_path / "cookies.db"
    with closing(sqlite3.connect(path)) as other:
        other.executescript(
            f"CREATE TABLE cookies (a); INSERT INTO cookies VALUES (1); PRAGMA user_version = {version}"
        )
    before = path.read_bytes()
    for use in (examine_outbox, SqliteStore):
        with pytest.raises(StoreError, match=r"it is a database of another program\. Set another") as caught:
            use(path)
        assert not caught.value.corrupt
    store = FallbackStore(path)
    assert store.storage == "degraded"
    store.close()
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["cookies.db"]


@pytest.mark.parametrize("device", ["/dev/null", "/dev/full"])
def test_nobody_is_told_to_move_a_device_or_a_folder_with_files_away(device: str, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("x")
    for path in (Path(device), tmp_path):
        for use in (examine_outbox, SqliteStore):
            with pytest.raises(StoreError) as caught:
                use(path)
            assert "sudo mv" not in caught.value.remedy
            assert "$.outbox.path" in caught.value.remedy


def _link_to_nothing(folder: Path) -> Path:
    (folder / "outbox.db").symlink_to(folder / "gone" / "outbox.db")
    return folder / "outbox.db"


def _folder_that_is_a_link_to_nothing(folder: Path) -> Path:
    (folder / "state").symlink_to(folder / "gone")
    return folder / "state" / "outbox.db"


def _pipe(folder: Path) -> Path:
    os.mkfifo(folder / "outbox.db")
    return folder / "outbox.db"


@pytest.mark.parametrize("make", [_link_to_nothing, _folder_that_is_a_link_to_nothing, _pipe])
def test_what_can_be_no_outbox_is_called_the_same_by_doctor_and_agent(
    tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    path = make(tmp_path)
    said = []
    for use in (examine_outbox, SqliteStore):
        with pytest.raises(StoreError, match=r"which is not there|it is no file") as caught:
            use(path)
        assert "sudo " in caught.value.remedy
        said.append(caught.value.reason)
    assert said[0] == said[1]


def test_an_outbox_behind_a_link_is_fine_for_doctor_as_for_the_agent(tmp_path: Path) -> None:
    (tmp_path / "card").mkdir()
    (tmp_path / "outbox.db").symlink_to(tmp_path / "card" / "outbox.db")
    SqliteStore(tmp_path / "card" / "outbox.db").close()
    SqliteStore(tmp_path / "outbox.db").close()
    assert "can be written" in examine_outbox(tmp_path / "outbox.db")
