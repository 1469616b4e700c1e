"""Single bits flipped in a stored outbox: nothing but accepted bytes is ever delivered, and never out of order."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_agent.config import OutboxSettings
from edge_agent.outbox.fallback_store import FallbackStore
from edge_agent.outbox.outbox import Outbox
from edge_agent.outbox.replay import ResendAnswer, ResendOutcome, ResendRange
from edge_agent.outbox.sqlite_pages import PAGE_BYTES, log_is_damaged
from edge_agent.outbox.sqlite_store import SqliteStore
from edge_agent.outbox.store import Row, StoredSession
from tests.support.broker import wait_until
from tests.support.clocks import SteppedClock
from tests.support.samples import a_delivery

SESSION = "01JD5W7T4KQ2AAAA"
EVENTS, DELIVERED = 60, 12
KILLED = """
import os, signal, sys
from pathlib import Path
from edge_agent.outbox.sqlite_store import SqliteStore
from tests.outbox.test_bit_flips import DELIVERED, EVENTS, SESSION, an_event
from edge_agent.outbox.store import StoredSession
from tests.support.broker import wait_until
from tests.support.clocks import SteppedClock
from tests.support.samples import a_delivery
store = SqliteStore(Path(sys.argv[1]))
store.save_session(StoredSession(SESSION, 1_700_000_000_000, True, 0))
for n in range(1, EVENTS + 1):
    store.write([an_event(n)], [a_delivery(n - 1, n)] if 1 < n <= DELIVERED + 1 else [])
os.kill(os.getpid(), signal.SIGKILL)
"""
"""Leaves all but the tables in the log: one commit for each event."""


def an_event(number: int) -> Row:
    """One of two topics in turn, each numbered without gaps."""
    topic, seq = ("summary", "expression")[number % 2], (number + 1) // 2
    payload = json.dumps({"v": 1, "session": SESSION, "seq": seq, "note": "x" * (number * 37 % 400)}).encode()
    return Row(number, topic, SESSION, seq, payload, number, 1_700_000_000_000 + number)


ACCEPTED = {number: an_event(number) for number in range(1, EVENTS + 1)}


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file as a stopped agent leaves it."""
    path = tmp_path_factory.mktemp("closed") / "outbox.db"
    store = SqliteStore(path)
    store.save_session(StoredSession(SESSION, 1_700_000_000_000, True, 0))
    store.write(list(ACCEPTED.values()), [a_delivery(n, n) for n in range(1, DELIVERED + 1)])
    store.close()
    return path


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file and its log as a killed agent leaves them."""
    path = tmp_path_factory.mktemp("killed") / "outbox.db"
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    return path


@pytest.fixture
def folder() -> Iterator[Path]:
    """For hundreds of copies: in memory, where it can be."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder) / "copy"


def flip(file: Path, bit: int) -> None:
    with file.open("r+b") as handle:
        handle.seek(bit // 8)
        (byte,) = handle.read(1)
        handle.seek(bit // 8)
        handle.write(bytes([byte ^ 1 << bit % 8]))


def copy_of(made: Path, folder: Path) -> Path:
    """The same files in an empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name in (made.name, f"{made.name}-wal"):
        if made.with_name(name).exists():
            shutil.copy(made.with_name(name), folder / name)
    return folder / made.name


def read_back(path: Path) -> tuple[list[Row], FallbackStore]:
    """What is sent after a restart, in the order of sending."""
    store = FallbackStore(path)
    rows = [row for topic in ("expression", "summary") for row in store.undelivered(topic, 0, 1000)]
    store.close()
    return sorted(rows, key=lambda row: row.id), store


def assert_only_what_was_accepted(path: Path, max_lost: int) -> None:
    rows, store = read_back(path)
    assert all(row == ACCEPTED.get(row.id) for row in rows)
    lost = {n for n in ACCEPTED if n > DELIVERED} - {row.id for row in rows}
    assert len(lost) <= max_lost
    assert store.storage == "disk"


@pytest.mark.parametrize("part", range(4))
def test_no_bit_of_a_row_can_change_what_is_delivered(part: int, closed: Path, folder: Path) -> None:
    """One row, every bit of its cell."""
    number = DELIVERED + 7
    data = closed.read_bytes()
    payload = ACCEPTED[number].payload
    start, end = data.index(payload) - 50, data.index(payload) + len(payload) + 24
    for bit in range(start * 8 + part, end * 8, 4):
        path = copy_of(closed, folder)
        flip(path, bit)
        assert_only_what_was_accepted(path, max_lost=3)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1, exclude_max=True))
def test_no_bit_of_the_file_can(place: float, closed: Path, folder: Path) -> None:
    path = copy_of(closed, folder)
    flip(path, int(place * path.stat().st_size * 8))
    assert_only_what_was_accepted(path, max_lost=15)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1, exclude_max=True))
def test_no_bit_of_the_log_can(place: float, killed: Path, folder: Path) -> None:
    path = copy_of(killed, folder)
    log = path.with_name("outbox.db-wal")
    flip(log, int(place * log.stat().st_size * 8))
    assert_only_what_was_accepted(path, max_lost=1)


@pytest.mark.slow
def test_a_flip_in_a_head_of_the_log_costs_nothing(killed: Path, folder: Path) -> None:
    """The head of the log, of its first frame, and of one in the middle."""
    log_bytes = killed.with_name("outbox.db-wal").stat().st_size
    frame = PAGE_BYTES + 24
    for start, end in ((0, 56), (32 + frame * (log_bytes // frame // 2), 32 + frame * (log_bytes // frame // 2) + 24)):
        for bit in range(start * 8, end * 8, 3):
            path = copy_of(killed, folder)
            flip(path.with_name("outbox.db-wal"), bit)
            assert_only_what_was_accepted(path, max_lost=0)


def test_a_log_that_a_power_cut_has_torn_is_no_damage(killed: Path, folder: Path) -> None:
    size = killed.with_name("outbox.db-wal").stat().st_size
    for cut in (1, 100, PAGE_BYTES, PAGE_BYTES + 24, 3 * PAGE_BYTES):
        path = copy_of(killed, folder)
        with path.with_name("outbox.db-wal").open("r+b") as log:
            log.truncate(size - cut)
        assert not log_is_damaged(path)
        rows, store = read_back(path)
        assert store.quarantined == 0
        assert [row.id for row in rows] == list(range(DELIVERED + 1, rows[-1].id + 1))


def change(store: SqliteStore, statement: str) -> None:
    """What a bad medium may do to a row."""
    store._db.execute(statement)


def test_a_damaged_row_is_kept_for_a_look_counted_as_lost_and_the_rest_stays_in_order(
    closed: Path, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = copy_of(closed, folder)
    store = SqliteStore(path)
    change(store, "UPDATE rows SET payload = CAST(replace(CAST(payload AS TEXT), 'x', 'y') AS BLOB) WHERE id = 20")
    change(store, "UPDATE rows SET seq = seq + 1 WHERE id = 3")
    change(store, "UPDATE rows SET topic = CAST(x'ff' AS TEXT) WHERE id = 30")
    store.close()
    rows, fallback = read_back(path)
    assert [row.id for row in rows] == [n for n in range(DELIVERED + 1, EVENTS + 1) if n not in (20, 30)]
    assert (fallback.damaged_rows, fallback.unreadable, fallback.quarantined) == (3, 2, 0)
    assert "3 stored events are damaged and not delivered, 2 of them lost" in caplog.text
    again = SqliteStore(path)
    assert again._db.execute("SELECT id FROM damaged_rows ORDER BY id").fetchall() == [(3,), (20,), (30,)]
    assert (again.set_aside, again.totals().rows) == (0, EVENTS - 3)
    again.close()


def test_a_row_of_which_nobody_knows_whether_it_was_delivered_is_sent(closed: Path, folder: Path) -> None:
    path = copy_of(closed, folder)
    store = SqliteStore(path)
    change(store, "UPDATE rows SET delivered_ms = 7 WHERE id = 20")
    change(store, "UPDATE rows SET delivered_ms = NULL WHERE id = 5")
    store.close()
    rows, fallback = read_back(path)
    assert [row.id for row in rows] == [5, *range(DELIVERED + 1, EVENTS + 1)]
    assert fallback.unreadable == 0


def test_a_damaged_session_is_told_from_its_rows(closed: Path, folder: Path) -> None:
    path = copy_of(closed, folder)
    store = SqliteStore(path)
    change(store, "UPDATE sessions SET started_ms = started_ms + 4096")
    store.close()
    store = SqliteStore(path)
    assert store.sessions() == [StoredSession(SESSION, 1_700_000_000_000, False, 0)]
    store.close()


def outbox_on(path: Path) -> Outbox:
    """Started once the file was opened, so that a test can change it under the outbox."""
    return Outbox(OutboxSettings(path=str(path), commit_s=0.0), SteppedClock(wall=1_700_000_100.0))


def disk_of(outbox: Outbox) -> SqliteStore:
    assert outbox._store._disk is not None
    return outbox._store._disk


def take_all(outbox: Outbox, until: int) -> list[int]:
    """The ids of everything sent until that row was, each acknowledged at once."""
    taken: list[int] = []

    def came() -> bool:
        for row in outbox.take(10):
            assert row == ACCEPTED[row.id]
            taken.append(row.id)
            outbox.delivered(row)
        return bool(taken and taken[-1] == until)

    wait_until(came, what=f"row {until}")
    return taken


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE rows SET payload = x'7b7d' WHERE id = 20",
        "UPDATE rows SET topic = 'topic' WHERE id = 20",
        "UPDATE rows SET delivered_ms = 7 WHERE id = 20",
        "DELETE FROM rows WHERE id = 20",
    ],
)
def test_damage_under_a_running_outbox_is_counted_and_published_as_gap(damage: str, closed: Path, folder: Path) -> None:
    outbox = outbox_on(copy_of(closed, folder))
    change(disk_of(outbox), damage)
    outbox.start()
    assert take_all(outbox, EVENTS) == [n for n in range(DELIVERED + 1, EVENTS + 1) if n != 20]
    wait_until(lambda: outbox.statistics().lost == 1, what="the count")
    wait_until(lambda: outbox.statistics().pending == 0, what="nothing pending")
    answers: list[ResendOutcome] = []
    outbox.resend(ResendRange(SESSION, ACCEPTED[20].topic, DELIVERED // 2 + 1, EVENTS // 2), answers.append)
    wait_until(lambda: answers, what="an answer")
    seq = ACCEPTED[20].seq
    assert isinstance(answers[0], ResendAnswer)
    assert answers[0].missing == (() if "delivered" in damage else ((seq, seq),))
    outbox.close()


def test_a_damaged_row_that_waits_in_memory_as_well_is_delivered_and_stored_again(closed: Path, folder: Path) -> None:
    path = copy_of(closed, folder)
    outbox = outbox_on(path)
    outbox.start()
    wait_until(lambda: outbox.statistics().pending == EVENTS - DELIVERED, what="the rows")
    wait_until(lambda: len(outbox._rows_in_memory()) == EVENTS - DELIVERED, what="the rows in memory")
    change(disk_of(outbox), "UPDATE rows SET payload = x'7b7d' WHERE id = 20")
    answers: list[ResendOutcome] = []
    outbox.resend(ResendRange(SESSION, ACCEPTED[20].topic, 1, EVENTS), answers.append)
    wait_until(lambda: answers, what="an answer")
    assert (outbox.statistics().lost, outbox.statistics().damaged_rows) == (0, 1)
    outbox.close()
    rows, _ = read_back(path)
    assert ACCEPTED[20] in rows


def test_an_inner_page_that_is_damaged_costs_no_row_below_it(folder: Path) -> None:
    folder.mkdir()
    path = folder / "outbox.db"
    store = SqliteStore(path)
    store.write([an_event(n) for n in range(1, 500)], [])
    store.close()
    flip(path, PAGE_BYTES * 8)  # the kind of the table's root page
    rows, fallback = read_back(path)
    assert [row.id for row in rows] == list(range(1, 500))
    assert fallback.quarantined == 1


def test_the_log_is_moved_into_the_file_while_there_is_nothing_to_do(folder: Path) -> None:
    folder.mkdir()
    store = SqliteStore(folder / "outbox.db")
    store.write([an_event(n) for n in range(1, 21)], [])
    before = (folder / "outbox.db").stat().st_size
    store.checkpoint()
    assert (folder / "outbox.db").stat().st_size > before
    store.close()
