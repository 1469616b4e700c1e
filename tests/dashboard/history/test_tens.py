"""Ten minutes that are added up beforehand: they say what windows and minutes say, whatever happens to those."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timezone

import pytest
from sqlalchemy import delete, func, select, update

from dashboard.history import History, Recorder, queries
from dashboard.history.retention import Retention, enforce
from dashboard.history.rollup import TEN_MS, join
from dashboard.history.tables import minutes, schema_versions, tens, windows
from edge_agent.client import Dated, Notice
from tests.dashboard.history.samples import NINE, NORTH, SOUTH, TIMES, arrived, birth, summary

DAY = 86_400.0


def record(history: History, *notices: Notice, at: float) -> Recorder:
    recorder = Recorder(history, now=lambda: at)
    for notice in notices:
        recorder.take(notice, TIMES)
    assert recorder.commit(), recorder.problem
    return recorder


def some_windows(count: int = 600) -> list[Notice]:
    """Half an hour and more of two models, with withheld and late windows and empty rooms."""
    draw = random.Random(3)
    found: list[Notice] = []
    for seq in range(1, count + 1):
        names = ("happy", "neutral") if seq < count / 2 else ("awe", "zeal")
        part = round(draw.random(), 4)
        shares = {names[0]: part, names[1]: round(1 - part, 4)}
        faces = draw.choice([None, 0, 8, 25])
        shown = summary(seq, NINE + 5 * seq, faces=faces, shares={} if faces == 0 else shares)
        found.append(arrived(shown, late=seq % 7 == 0))
    return found


def check(history: History, begin: float = NINE - 1000, end: float = NINE + 9000) -> int:
    """That a chart of ten minutes and longer says what is stored; how many ten minutes there are."""
    with history.database.reading() as connection:
        span = round(begin * 1000), round(end * 1000)
        numbers = queries.device_ids(connection).values()
        wanted = {number: join(queries.read_pieces(connection, number, *span), TEN_MS) for number in numbers}
        stored = {(row.device_id, row.ten) for row in connection.execute(select(tens))}
        assert stored == {(number, ten) for number, found in wanted.items() for ten in found}
        for number in numbers:
            series = queries.read_shares(connection, number, *span, step_s=600.0)
            found = wanted[number].values()
            assert series.window_s == [(one.open_ms or one.suppressed_ms) / 1000 for one in found]
            assert series.faces == [round(one.faces_ms / one.open_ms) if one.open_ms else None for one in found]
            for name, values in series.shares.items():
                exact = [one.shares.get(name, 0.0) if one.shares else None for one in found]
                assert values == pytest.approx(exact, abs=2e-4)
    return len(stored)


def test_what_is_stored_second_by_second_is_added(history: History) -> None:
    recorder = record(history, at=NINE + 3100)
    notices = some_windows()
    for place in range(0, len(notices), 40):
        for notice in notices[place : place + 40]:
            recorder.take(notice, TIMES)
        assert recorder.commit()
    record(history, *notices[:50], at=NINE + 3200)  # again: each counts once
    assert check(history) == 6


def test_they_stay_when_windows_become_minutes_and_go_with_those(history: History) -> None:
    record(history, *some_windows(), at=NINE + 3100)
    for _ in enforce(history.database, Retention(), NINE + 8 * DAY):
        pass
    with history.database.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(windows)) == 0
        assert connection.scalar(select(func.count()).select_from(minutes)) == 51
    assert check(history) == 6
    record(history, arrived(summary(900, NINE + 61), late=True), at=NINE + 6.5 * DAY)
    assert check(history) == 6
    for _ in enforce(history.database, Retention(full_days=1, days=30), NINE + 31 * DAY):
        pass
    assert check(history) == 0


@pytest.mark.parametrize(
    ("since", "until", "joined", "everywhere"),
    [
        (602, 1900, False, False),
        (602, 1900, True, True),
        (0, 300, True, False),
        (700, 800, False, True),
        (-1e12, 1e12, False, False),
        (600, 1200, False, True),
    ],
)
def test_what_is_erased_goes_from_them_too(
    history: History, since: float, until: float, joined: bool, everywhere: bool
) -> None:
    record(history, *some_windows(), *(arrived(summary(n, NINE + 5 * n), SOUTH) for n in range(1, 300)), at=NINE + 3100)
    if joined:
        for _ in enforce(history.database, Retention(), NINE + 8 * DAY):
            pass
    history.erase(None if everywhere else NORTH, NINE + since, NINE + until)
    check(history)


def test_a_window_whose_time_becomes_known_moves(history: History) -> None:
    class NowKnown:
        def time_of(self, *_: object) -> Dated:
            return Dated(datetime.fromtimestamp(NINE - 900, tz=timezone.utc), certain=True)

    notices = [arrived(summary(seq, 0.0, clock_synced=False), late=True) for seq in (1, 2)]
    recorder = record(history, *notices, at=NINE + 60)
    recorder.take(arrived(birth(NINE)), NowKnown())
    assert recorder.commit()
    assert check(history) == 1


@pytest.mark.parametrize("version", [1, 2])
def test_a_history_of_an_older_version_gets_them(open_again: Callable[[], History], version: int) -> None:
    history = open_again()
    record(history, *some_windows(), *(arrived(summary(n, NINE + 5 * n), SOUTH) for n in range(1, 30)), at=NINE + 3100)
    for _ in enforce(history.database, Retention(), NINE + 7.01 * DAY):
        pass
    with history.database.writing() as connection:
        assert connection.scalar(select(func.count()).select_from(windows))
        assert connection.scalar(select(func.count()).select_from(minutes))
        connection.execute(delete(tens))
        tens.drop(connection)
        connection.execute(update(schema_versions).values(version=version))
    history.close()
    assert check(open_again()) == 7


def test_a_device_that_makes_things_up_keeps_nobody_from_joining(history: History) -> None:
    invented = [arrived(summary(seq, NINE + 5, window_s=86_400.0, faces=10_000)) for seq in range(1, 40)]
    record(history, *invented, arrived(summary(1, NINE + 5), SOUTH), at=NINE + 60)
    for _ in enforce(history.database, Retention(), NINE + 8 * DAY):
        pass
    assert history.shares(SOUTH, NINE, NINE + 600, 600.0).faces == [20]
    with history.database.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(windows)) == 0
