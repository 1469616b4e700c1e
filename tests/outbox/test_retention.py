"""How long delivered events are kept, whatever the clock says: time is in the test's hand."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from edge_agent.outbox.fallback_store import FallbackStore
from edge_agent.outbox.retention import Retention
from edge_agent.outbox.store import Row
from tests.support.clocks import SteppedClock
from tests.support.samples import a_delivery, a_row

HOUR = 3600.0
RIGHT = 1_700_000_000.0
BEHIND = RIGHT - 400 * 86400.0
AHEAD = RIGHT + 400 * 86400.0


class Run:
    """One run of an outbox that keeps deliveries for a day."""

    def __init__(self, path: Path, wall: float, *, synced: bool) -> None:
        self.clock = SteppedClock(wall, synced=synced)
        self.store = FallbackStore(path)
        self.retention = Retention(self.store, self.clock, 24 * HOUR)
        self.retention.turn()

    def deliver(self, *numbers: int) -> None:
        self.store.write([a_row(number) for number in numbers], self.retention.deliveries(numbers))

    def after(self, hours: float) -> None:
        self.clock.advance(hours * HOUR)
        self.retention.turn()

    def sync(self, wall: float) -> None:
        self.clock.step_wall_to(wall)
        self.clock.is_synced = True
        self.retention.turn()

    def kept(self) -> list[int]:
        return [row.id for row in self.store.between("S1", "expression", 1, 99, 100)]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Run]]:
    """Starts runs on one file, each after the one before has ended."""
    runs: list[Run] = []

    def begin(wall: float = RIGHT, *, synced: bool = True) -> Run:
        if runs:
            runs[-1].store.close()
        runs.append(Run(tmp_path / "outbox.db", wall, synced=synced))
        return runs[-1]

    yield begin
    runs[-1].store.close()


@pytest.mark.parametrize("wrong", [BEHIND, AHEAD, 0.0])
def test_what_was_delivered_under_a_wrong_clock_is_kept_a_day_from_then(
    start: Callable[..., Run], wrong: float
) -> None:
    start(wrong, synced=False).deliver(1)
    run = start()
    assert run.kept() == [1]
    run.after(23)
    assert run.kept() == [1]
    run.after(1.1)
    assert run.kept() == []


@pytest.mark.parametrize("wrong", [BEHIND, AHEAD])
def test_a_clock_set_while_the_agent_runs_counts_the_time_it_ran_before(
    start: Callable[..., Run], wrong: float
) -> None:
    run = start(wrong, synced=False)
    run.deliver(1)
    run.after(20)
    run.deliver(2)
    run.sync(RIGHT)
    assert run.kept() == [1, 2]
    run.after(5)
    assert run.kept() == [2]


def test_a_clock_that_is_never_set_does_not_keep_longer_than_a_day_of_running(start: Callable[..., Run]) -> None:
    start(0.0, synced=False).deliver(1)
    for number, wall in ((2, AHEAD), (3, 0.0), (4, BEHIND)):
        run = start(wall, synced=False)
        assert 1 in run.kept()
        run.after(8.1)
        run.deliver(number)
    run.after(1)
    assert run.kept() == [2, 3, 4]


def test_a_start_before_the_clock_is_set_does_not_make_a_known_age_forgotten(start: Callable[..., Run]) -> None:
    start().deliver(1)
    early = start(BEHIND, synced=False)
    early.after(0.01)
    early.deliver(2)
    assert early.kept() == [1, 2]
    early.sync(RIGHT + 25 * HOUR)
    early.after(0.2)
    assert early.kept() == [2]


def test_a_day_between_runs_with_a_set_clock_counts(start: Callable[..., Run]) -> None:
    start().deliver(1)
    assert start(RIGHT + 23 * HOUR).kept() == [1]
    assert start(RIGHT + 25 * HOUR).kept() == []


@pytest.mark.parametrize("days", [400, -400])
def test_a_step_of_a_clock_that_counts_as_set_makes_nothing_older_nor_younger(
    start: Callable[..., Run], days: int
) -> None:
    start().deliver(1)
    run = start(RIGHT + 10 * HOUR)
    run.deliver(2)
    run.sync(RIGHT + days * 86400.0)
    run.after(13)
    assert run.kept() == [1, 2]
    run.after(2)
    assert run.kept() == [2]


def test_a_clock_lost_again_does_not_stop_the_count(start: Callable[..., Run]) -> None:
    run = start()
    run.deliver(1)
    run.clock.is_synced = False
    run.clock.step_wall_to(BEHIND)
    run.after(25)
    assert run.kept() == []


def test_what_a_failing_disk_missed_is_not_older_than_what_it_holds(tmp_path: Path) -> None:
    folder = tmp_path / "disk"
    earlier = Run(folder / "outbox.db", RIGHT, synced=True)
    earlier.deliver(1)
    earlier.store.close()
    folder.rename(tmp_path / "unplugged")
    folder.write_text("in the way")
    run = Run(folder / "outbox.db", AHEAD, synced=False)
    run.deliver(2)
    run.sync(RIGHT)
    folder.unlink()
    (tmp_path / "unplugged").rename(folder)
    run.store.retry_disk()
    run.retention.opened()
    run.retention.turn()
    run.after(23)
    assert run.kept() == [1, 2]
    run.after(2)
    assert run.kept() == []
    run.store.close()


def test_a_file_of_the_first_version_is_taken_over_and_counts_as_just_delivered(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    old = FallbackStore(path)
    times = [a_delivery(1, round(BEHIND * 1000)), a_delivery(2, round(RIGHT * 1000))]
    old.write([a_row(1), a_row(2), a_row(3)], times)
    old.close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("ALTER TABLE rows DROP COLUMN delivered_clock_synced")
        db.execute("PRAGMA user_version = 1")
    run = Run(path, RIGHT + 50 * HOUR, synced=True)
    run.after(23)
    assert run.kept() == [1, 2, 3]
    run.after(2)
    assert run.kept() == [3]
    assert waiting(run) == [3]
    assert run.store.quarantined == 0
    run.store.close()


def waiting(run: Run) -> list[int]:
    rows: list[Row] = run.store.undelivered("expression", 0, 10)
    return [row.id for row in rows]
