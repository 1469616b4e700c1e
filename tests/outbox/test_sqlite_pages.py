"""The reader of pages gives what SQLite gives, and survives what SQLite refuses."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_agent.outbox.sqlite_pages import PAGE_BYTES, SqlitePages, Value

VALUES = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=300),
    st.binary(max_size=300),
    st.integers(0, 30_000).map(lambda size: b"\xa5" * size),
)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """An open database, most of it in its log."""
    with closing(sqlite3.connect(tmp_path / "made.db", isolation_level=None)) as db:
        db.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = OFF")
        db.execute("CREATE TABLE things (id INTEGER PRIMARY KEY, one, other)")
        yield db


def read(file: Path) -> list[tuple[int, list[Value]]]:
    with closing(SqlitePages(file)) as pages:
        return [(number, values[1:]) for number, values in pages.table(2)]


def copy_of(folder: Path) -> Path:
    """The files as a process that was killed leaves them."""
    for suffix in ("", "-wal"):
        shutil.copy(folder / f"made.db{suffix}", folder / f"copy.db{suffix}")
    return folder / "copy.db"


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.dictionaries(st.integers(1, 2**62), st.tuples(VALUES, VALUES), min_size=1, max_size=60),
    gone=st.integers(0, 59),
    checkpoint=st.booleans(),
)
def test_rows_are_those_that_sqlite_reads(
    rows: dict[int, tuple[Value, Value]], gone: int, checkpoint: bool, database: sqlite3.Connection, tmp_path: Path
) -> None:
    database.execute("DELETE FROM things")
    database.execute("BEGIN")
    database.executemany("INSERT INTO things VALUES (?, ?, ?)", [(number, *values) for number, values in rows.items()])
    database.execute("COMMIT")
    if checkpoint:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.executemany("DELETE FROM things WHERE id = ?", [(number,) for number in list(rows)[:gone]])
    stored = database.execute("SELECT id, one, other FROM things ORDER BY id").fetchall()
    assert read(copy_of(tmp_path)) == [(number, list(values)) for number, *values in stored]


def test_a_transaction_that_was_not_committed_is_not_read(database: sqlite3.Connection, tmp_path: Path) -> None:
    database.execute("INSERT INTO things VALUES (1, 'committed', NULL)")
    database.execute("PRAGMA cache_size = 1")
    database.execute("BEGIN")
    database.executemany("INSERT INTO things VALUES (?, ?, NULL)", [(i, b"x" * 3000) for i in range(2, 200)])
    assert read(copy_of(tmp_path)) == [(1, ["committed", None])]
    database.execute("ROLLBACK")


@pytest.mark.parametrize("seed", range(6))
def test_no_damage_makes_it_fail_or_repeat_a_row(seed: int, database: sqlite3.Connection, tmp_path: Path) -> None:
    rows = {i: (i, b"x" * (i * 37 % 9000)) for i in range(1, 300)}
    database.executemany("INSERT INTO things VALUES (?, ?, ?)", [(i, *values) for i, values in rows.items()])
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.executemany("UPDATE things SET other = NULL WHERE id = ?", [(i,) for i in range(1, 300, 7)])
    copy, draw = copy_of(tmp_path), random.Random(seed)
    for _ in range(10):
        with draw.choice((copy, copy.with_name("copy.db-wal"))).open("r+b") as file:
            size = file.seek(0, 2)
            file.seek(draw.randrange(size))
            file.write(draw.randbytes(draw.choice((1, 4, 100, PAGE_BYTES))))
            file.truncate(size)
        found = read(copy)
        assert len(found) <= len(rows)
