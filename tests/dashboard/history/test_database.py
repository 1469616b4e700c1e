"""Opening a database, and what is said of one that cannot be used."""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import MetaData, select, text, update
from sqlalchemy.exc import OperationalError

from dashboard.history import DatabaseError, History, Recorder, ensure_schema, open_history
from dashboard.history.retention import Retention, enforce
from dashboard.history.tables import schema_versions
from edge_agent.errors import InputError
from tests.dashboard.history.samples import NINE, NORTH, TIMES, arrived, summary
from tests.support.full_disk import small_file_system
from tests.support.postgres import PASSWORD, PostgresServer


def test_opening_again_finds_what_was_stored(place: str) -> None:
    for _ in range(2):
        history = open_history(place)
        with history.database.reading() as connection:
            assert connection.execute(select(schema_versions)).all() == [("history", 3)]
        history.close()


def test_a_database_of_a_newer_version_is_refused_by_name(place: str) -> None:
    history = open_history(place)
    with history.database.writing() as connection:
        connection.execute(update(schema_versions).values(version=99))
    history.close()
    with pytest.raises(DatabaseError, match="tables of history: got version 99, expected at most 3"):
        open_history(place)


def test_tables_of_an_older_version_are_migrated_or_refused(history: History) -> None:
    database, metadata = history.database, MetaData()
    ensure_schema(database, "part", 1, metadata)
    with pytest.raises(DatabaseError, match="tables of part: got version 1, expected version 3"):
        ensure_schema(database, "part", 3, metadata, {2: lambda _: None})
    steps: list[int] = []
    ensure_schema(database, "part", 3, metadata, {1: lambda _: steps.append(1), 2: lambda _: steps.append(2)})
    ensure_schema(database, "part", 3, metadata)
    assert steps == [1, 2]


def test_a_history_of_the_first_version_is_kept_and_migrated(place: str) -> None:
    history = open_history(place)
    recorder = Recorder(history, now=lambda: NINE)
    recorder.take(arrived(summary(1, NINE)), TIMES)
    assert recorder.commit()
    with history.database.writing() as connection:
        connection.execute(update(schema_versions).values(version=1))
    history.close()
    history = open_history(place)
    with history.database.reading() as connection:
        assert connection.execute(select(schema_versions)).all() == [("history", 3)]
    series = history.shares(NORTH, NINE - 60, NINE)
    assert (series.faces, series.approximate) == ([20], [False])
    history.close()


def test_a_file_of_another_program_gets_no_tables(tmp_path: Path) -> None:
    place = tmp_path / "cookies.db"
    with closing(sqlite3.connect(place)) as other:
        other.executescript("CREATE TABLE cookies (a); INSERT INTO cookies VALUES (1);")
    with pytest.raises(DatabaseError, match=r"a table cookies that this program did not make.*Set another place"):
        open_history(str(place))
    with closing(sqlite3.connect(place)) as other:
        assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("cookies",)]


def test_tables_of_another_program_are_left_alone(place: str) -> None:
    history = open_history(place)
    with history.database.writing() as connection:
        connection.execute(text("DROP TABLE schema_versions"))
    history.close()
    with pytest.raises(DatabaseError, match="did not make"):
        open_history(place)


@pytest.mark.parametrize(
    "address",
    [
        "mysql://user:geheim@host/x",
        "postgresql://user:geheim@host",
        "sqlite://",
        "sqlite:///:memory:",
        "://user:geheim@",
        "postgresql://user:geheim@host:port/x",
        "postgresql:/user:geheim@host/x",
        "postgresql//user:geheim@host/x",
        "user:geheim@host/x",
        "user@geheim@host",
        "postgresql://user:12/geheim@host/x",
        "postgresql://us/er:geheim@host/x",
        "postgresql://user:Blue@geheim@host/x",
        "postgresql://user:geheim@@host/x",
        "postgresql://user:Blue#geheim@host/x",
        "postgresql://user:Blue?geheim@host/x",
        "postgresql://user:geheim host/x",
        "postgresql://host/x@geheim:y",
        "postgresql://host:5432:geheim/x",
        "geheim://host/x",
        "",
    ],
)
def test_addresses_of_other_kinds_are_refused_without_their_password(address: str) -> None:
    with pytest.raises(InputError) as refused:
        open_history(address)
    assert "geheim" not in str(refused.value)
    assert "expected a file, or an address such as postgresql://" in str(refused.value)


def test_a_password_is_in_no_message(postgres: PostgresServer) -> None:
    from urllib.parse import quote

    addresses = [
        f"postgresql://classroom:{quote(PASSWORD, safe='')}@127.0.0.1:1/x",
        f"postgresql://127.0.0.1:1/x?user=classroom&password={quote(PASSWORD, safe='')}",
        postgres.address("no_such_database"),
        postgres.address("postgres", password=f"{PASSWORD}-wrong"),
    ]
    for address in addresses:
        with pytest.raises(DatabaseError) as failed:
            open_history(address)
        assert "127.0.0.1" in str(failed.value)
        for secret in (PASSWORD, quote(PASSWORD, safe=""), "geheim"):
            assert secret not in str(failed.value)


def test_the_password_may_come_apart_from_the_address(postgres: PostgresServer) -> None:
    postgres.create("apart")
    plain = f"postgresql://classroom@127.0.0.1:{postgres.port}/apart"
    history = open_history(plain, password=PASSWORD)
    assert history.stored().place == plain.replace("classroom@", "classroom:***@")
    history.close()


def test_only_its_owner_can_read_the_file(tmp_path: Path) -> None:
    history = open_history(str(tmp_path / "history.db"))
    for file in tmp_path.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    history.close()


@pytest.mark.parametrize("content", [b"no database at all" * 100, b"\0" * 9000])
def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "history.db"
    file.write_bytes(content)
    with pytest.raises(DatabaseError, match=r"history\.db: it is damaged"):
        open_history(str(file))
    assert file.read_bytes() == content


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="its folder does not exist"):
        open_history(str(tmp_path / "no" / "history.db"))


def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="Is a directory"):
        open_history(str(tmp_path))


_OPENED = """
import sys
from dashboard.history import Recorder, open_history
from tests.dashboard.history.samples import NINE, NORTH, TIMES, arrived, summary
history = open_history(sys.argv[1])
recorder = Recorder(history, now=lambda: NINE)
recorder.take(arrived(summary(1, NINE)), TIMES)
assert recorder.commit()
recorder.take(arrived(summary(2, NINE + 1)), TIMES)
"""
_FILE_OF_ANOTHER_USER = (
    _OPENED
    + """
helper("chown root:root {file} {file}-wal {file}-shm; chmod 644 {file} {file}-wal {file}-shm; chown root:root {folder}")
history.engine.dispose()
assert not recorder.commit()
print(recorder.problem)
helper("chown nobody {file} {file}-wal {file}-shm {folder}; chmod 600 {file} {file}-wal {file}-shm")
print(recorder.commit(), repr(recorder.problem))
print(len(history.shares(NORTH, 0, NINE + 9).at))
"""
)
_CLOSED_FOLDER = (
    _OPENED
    + """
helper("chown root:root {folder}; chmod 700 {folder}")
assert not recorder.commit()
print(recorder.problem)
from dashboard.history import DatabaseError
for use in (history.rooms, lambda: open_history(sys.argv[1])):
    try:
        use()
    except DatabaseError as error:
        print(error)
    else:
        raise AssertionError(use)
"""
)


def as_nobody(folder: Path, program: str) -> subprocess.CompletedProcess[str]:
    """Run a program as the user ``nobody`` with a database of its own; ``helper`` in it does something as root.

    The interpreter may be where only root can look. So root starts it, imports everything, and then changes its user.
    """
    if os.geteuid() != 0:
        pytest.skip("only root can take the place of another user")
    own = folder / "own"
    own.mkdir()
    file = own / "history.db"
    shutil.chown(own, "nobody")
    for place in (folder, *folder.parents):
        if not place.stat().st_mode & stat.S_IXOTH:
            place.chmod(place.stat().st_mode | stat.S_IXOTH)
    begin = f"""
import grp, os, subprocess, pwd
import dashboard.history, dashboard.history.export, tests.dashboard.history.samples
import sqlalchemy.dialects.sqlite.pysqlite, sqlite3
from sqlalchemy import create_engine
create_engine("sqlite://").connect().close()
asks, hears = os.pipe(), os.pipe()
if os.fork() == 0:
    os.close(asks[1])
    for line in os.fdopen(asks[0]):
        subprocess.run(line, shell=True, check=True)
        os.write(hears[1], b".")
    os._exit(0)
os.close(asks[0])
def helper(line):
    os.write(asks[1], (line.format(file={str(file)!r}, folder={str(own)!r}) + chr(10)).encode())
    os.read(hears[0], 1)
user = pwd.getpwnam("nobody")
os.setgroups([])
os.setgid(user.pw_gid)
os.setuid(user.pw_uid)
"""
    return subprocess.run(
        [sys.executable, "-c", begin + program, str(file)], capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes."""
    with small_file_system(tmp_path / "disk", "2m") as folder:
        yield folder


class TestTrouble:
    """The recorder waits while the database cannot be written, says so once, and loses nothing that was stored."""

    def test_a_full_database(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        place = str(tmp_path / "history.db")
        history = open_history(place, max_mb=1)
        recorder = Recorder(history, now=lambda: NINE)
        seq = 0
        caplog.set_level(logging.INFO)
        while not recorder.problem:
            for _ in range(2000):
                seq += 1
                recorder.take(arrived(summary(seq, NINE + seq / 1000)), TIMES)
            recorder.commit()
            assert seq < 100_000
        assert "it is full" in recorder.problem
        stored = len(history.shares(NORTH, 0, NINE + 1000).at)
        assert stored + recorder.waiting == seq
        for _ in range(3):
            assert not recorder.commit()
        assert [record.levelname for record in caplog.records] == ["ERROR"]
        history.database._max_mb = 100  # somebody makes room
        history.database.engine.dispose()
        with history.database.reading() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 100000")
        recorder.take(arrived(summary(seq + 1, NINE + seq / 1000)), TIMES)
        assert recorder.commit(), recorder.problem
        assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]
        assert len(history.shares(NORTH, 0, NINE + 1000).at) == seq + 1
        history.close()

    def test_a_disk_that_is_nearly_full_is_left_to_others(self, tmp_path: Path) -> None:
        place = str(tmp_path / "history.db")
        history = open_history(place, min_free_mb=10**9)
        recorder = Recorder(history, now=lambda: NINE)
        recorder.take(arrived(summary(1, NINE)), TIMES)
        assert not recorder.commit()
        assert "its disk is nearly full" in recorder.problem
        assert "min_free_mb" in recorder.problem
        assert recorder.waiting == 1
        history.database._min_free_mb = 1  # somebody makes room
        assert recorder.commit(), recorder.problem
        assert len(history.shares(NORTH, 0, NINE + 9).at) == 1
        history.close()

    def test_retention_makes_room_in_a_full_database(self, tmp_path: Path) -> None:
        now = NINE
        history = open_history(str(tmp_path / "history.db"), max_mb=1)
        recorder = Recorder(history, now=lambda: now)
        seq = 0
        while not recorder.problem:
            for _ in range(500):
                seq += 1
                recorder.take(arrived(summary(seq, NINE + seq / 10)), TIMES)
            recorder.commit()
        now = NINE + 8 * 86_400
        for _ in enforce(history.database, Retention(), now):
            pass
        recorder.start()
        recorder.close()
        assert recorder.problem == ""
        assert recorder.waiting == 0
        history.close()

    def test_a_read_only_file(self, tmp_path: Path) -> None:
        place = tmp_path / "history.db"
        history = open_history(str(place))
        recorder = Recorder(history, now=lambda: NINE)
        recorder.take(arrived(summary(1, NINE)), TIMES)
        assert recorder.commit()
        history.database.engine.dispose()
        with closing(sqlite3.connect(place)) as connection:  # every connection may read, none may write
            connection.execute("PRAGMA journal_mode = DELETE")
        history.close()
        blocked = open_history(str(place))
        with blocked.database.reading() as connection:
            connection.exec_driver_sql("PRAGMA query_only = ON")
        second = Recorder(blocked, now=lambda: NINE + 1)
        second.take(arrived(summary(2, NINE + 1)), TIMES)
        assert not second.commit()
        assert "it cannot be written" in second.problem
        assert blocked.shares(NORTH, 0, NINE + 9).at == [NINE]
        blocked.database.engine.dispose()
        assert second.commit()
        assert blocked.shares(NORTH, 0, NINE + 9).at == [NINE, NINE + 1]
        blocked.close()

    def test_more_than_memory_takes_is_dropped_from_the_oldest_and_marked(self, tmp_path: Path) -> None:
        history = open_history(str(tmp_path / "history.db"))
        recorder = Recorder(history, now=lambda: NINE, max_waiting=10)
        for seq in range(1, 26):
            recorder.take(arrived(summary(seq, NINE + seq)), TIMES)
        assert (recorder.waiting, recorder.dropped) == (10, 15)
        assert recorder.commit()
        assert len(history.shares(NORTH, 0, NINE + 99).at) == 10
        assert [marker.text for marker in history.markers(NORTH, 0, NINE + 99) if marker.kind == "lost"] == [
            "15 messages"
        ]
        for seq in range(1, 26):  # the device sends them again
            recorder.take(arrived(summary(seq, NINE + seq), late=True), TIMES)
        assert recorder.commit()
        history.close()

    def test_a_disk_without_room_is_named_with_its_mount_point(self, small_disk: Path) -> None:
        history = open_history(str(small_disk / "history.db"))
        recorder = Recorder(history, now=lambda: NINE)
        recorder.take(arrived(summary(1, NINE)), TIMES)
        assert recorder.commit()
        filler = small_disk / "filler"
        with pytest.raises(OSError, match="No space left"):
            filler.write_bytes(b"\0" * 3_000_000)
        seq = 1
        while not recorder.problem:
            for _ in range(500):
                seq += 1
                recorder.take(arrived(summary(seq, NINE + seq / 1000)), TIMES)
            recorder.commit()
        assert f"there is no room left on the disk at {small_disk}" in recorder.problem
        assert f"df -h {small_disk}" in recorder.problem
        assert "max_mb" not in recorder.problem
        filler.unlink()
        assert recorder.commit(), recorder.problem
        assert len(history.shares(NORTH, 0, NINE + 1000).at) == seq
        history.close()

    def test_a_file_that_now_belongs_to_another_user(self, tmp_path: Path) -> None:
        done = as_nobody(tmp_path, _FILE_OF_ANOTHER_USER)
        assert done.returncode == 0, done.stderr
        file = tmp_path / "own" / "history.db"
        while_denied, again, rows = done.stdout.splitlines()
        assert f"the user nobody may not write there, {file} belongs to root:root" in while_denied
        assert f"sudo chown nobody {file}" in while_denied
        assert (again, rows) == ("True ''", "2")

    def test_a_folder_that_the_user_may_not_look_into_any_more(self, tmp_path: Path) -> None:
        done = as_nobody(tmp_path, _CLOSED_FOLDER)
        assert done.returncode == 0, done.stderr
        folder = tmp_path / "own"
        for said in done.stdout.splitlines():
            assert f"the user nobody may not write there, {folder} belongs to root:root" in said
            assert f"sudo chown nobody {folder}" in said

    def test_a_file_that_was_moved_away_is_missed_and_used_again_once_it_is_back(self, tmp_path: Path) -> None:
        own, away = tmp_path / "own", tmp_path / "away"
        own.mkdir()
        history = open_history(str(own / "history.db"))
        recorder = Recorder(history, now=lambda: NINE)
        recorder.take(arrived(summary(1, NINE)), TIMES)
        assert recorder.commit()
        own.rename(away)
        own.mkdir()
        recorder.take(arrived(summary(2, NINE + 1)), TIMES)
        assert not recorder.commit()
        assert "the file is gone" in recorder.problem
        assert list(own.iterdir()) == [], "no new database in its place"
        with pytest.raises(DatabaseError, match="the file is gone"):
            history.rooms()
        own.rmdir()
        away.rename(own)
        assert recorder.commit(), recorder.problem
        assert len(history.shares(NORTH, 0, NINE + 9).at) == 2
        history.close()

    def test_a_backup_that_is_put_in_the_place_of_the_file_is_used(self, tmp_path: Path) -> None:
        file = tmp_path / "history.db"
        history = open_history(str(file))
        backup = tmp_path / "backup.db"
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(backup)) as copy:
            source.backup(copy)
        recorder = Recorder(history, now=lambda: NINE)
        recorder.take(arrived(summary(1, NINE)), TIMES)
        assert recorder.commit()
        for end in ("", "-wal", "-shm"):
            (tmp_path / f"history.db{end}").unlink(missing_ok=True)
        backup.rename(file)
        recorder.take(arrived(summary(2, NINE + 1)), TIMES)
        assert recorder.commit(), recorder.problem
        assert history.shares(NORTH, 0, NINE + 9).at == [NINE + 1]
        history.close()

    def test_a_disk_that_fails_is_not_called_a_damaged_file(self, tmp_path: Path) -> None:
        history = open_history(str(tmp_path / "history.db"))
        with pytest.raises(DatabaseError) as failed, history.database.explained():
            raise OperationalError(None, None, sqlite3.OperationalError("disk I/O error"))
        assert "does not read or write as it should" in str(failed.value)
        assert "dmesg" in failed.value.remedy
        assert "backup" not in str(failed.value)
        history.close()

    def test_a_server_that_lets_nothing_be_written(self, postgres: PostgresServer) -> None:
        postgres.create("still")
        history = open_history(postgres.address("still"))
        recorder = Recorder(history, now=lambda: NINE)
        recorder.take(arrived(summary(1, NINE)), TIMES)
        assert recorder.commit()
        set_read_only = "ALTER DATABASE still SET default_transaction_read_only = {}"
        with history.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(set_read_only.format("on"))
        history.engine.dispose()
        recorder.take(arrived(summary(2, NINE + 1)), TIMES)
        assert not recorder.commit()
        assert "its server lets nothing be written" in recorder.problem
        assert "default_transaction_read_only" in recorder.problem
        assert "folder" not in recorder.problem
        with history.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("SET default_transaction_read_only = off")
            connection.exec_driver_sql(set_read_only.format("off"))
        history.engine.dispose()
        assert recorder.commit(), recorder.problem
        assert history.shares(NORTH, 0, NINE + 9).at == [NINE, NINE + 1]
        history.close()

    def test_a_server_that_is_gone_for_a_while(self, postgres: PostgresServer) -> None:
        postgres.create("gone")
        history = open_history(postgres.address("gone"))
        recorder = Recorder(history, now=lambda: NINE)
        recorder.take(arrived(summary(1, NINE)), TIMES)
        assert recorder.commit()
        postgres.stop()
        try:
            recorder.take(arrived(summary(2, NINE + 1)), TIMES)
            assert not recorder.commit()
            assert "geheim" not in recorder.problem
            with pytest.raises(DatabaseError):
                history.rooms()
        finally:
            postgres.start()
        assert recorder.commit(), recorder.problem
        assert history.shares(NORTH, 0, NINE + 9).at == [NINE, NINE + 1]
        history.close()
