"""Erasing: the rows are gone, their bytes are gone from the file, and they do not come back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import pytest
from sqlalchemy import func, select

from dashboard.history import History, Recorder, Retention, open_history
from dashboard.history.tables import markers, tens
from edge_agent.client import Dated, Notice
from edge_agent.errors import InputError
from tests.dashboard.history.samples import NINE, NORTH, SOUTH, TIMES, arrived, birth, expression, summary
from tests.dashboard.history.samples import health as report

MARK = "Zwetschgenmus"


def record(history: History, *notices: Notice, at: float = NINE + 60) -> None:
    recorder = Recorder(history, now=lambda: at, retention=Retention(faces_days=3))
    for notice in notices:
        recorder.take(notice, TIMES)
    assert recorder.commit(), recorder.problem


def everything(seq: int, at: float) -> list[Notice]:
    return [
        arrived(birth(at)),
        arrived(summary(seq, at)),
        arrived(report(at, 1000 * seq, camera="dark")),
        arrived(expression(seq, at)),
    ]


def test_what_lies_within_the_time_is_erased_and_nothing_else(history: History) -> None:
    record(history, *everything(1, NINE), *everything(2, NINE + 60), arrived(summary(1, NINE), SOUTH))
    deleted = history.erase(NORTH, NINE - 1, NINE + 1)
    assert deleted == {"windows": 1, "minutes": 0, "faces": 1, "health": 1, "statuses": 1, "markers": 1}
    assert history.shares(NORTH, 0, NINE + 100).at == [NINE + 60]
    assert history.shares(SOUTH, 0, NINE + 100).at == [NINE]
    assert history.stored().erased_at is not None


def test_everything_of_all_rooms_can_be_erased(history: History) -> None:
    record(history, *everything(1, NINE), arrived(summary(1, NINE), SOUTH))
    history.erase(None, float("-inf"), float("inf"))
    stored = history.stored()
    assert {name: kind.rows for name, kind in stored.kinds.items()} == dict.fromkeys(stored.kinds, 0)
    assert stored.rooms == 0


def test_what_was_erased_does_not_come_back(open_again: Callable[[], History]) -> None:
    notices = [arrived(summary(1, NINE)), arrived(summary(2, NINE + 5))]
    history = open_again()
    record(history, *notices)
    history.erase(NORTH, 0, NINE + 59)
    late = arrived(summary(3, NINE + 10), late=True)
    record(open_again(), *notices, late, arrived(summary(4, NINE + 62)), at=NINE + 62)
    assert history.shares(NORTH, 0, NINE + 100).at == [NINE + 62]


@pytest.mark.parametrize(("erased", "left"), [((-300, -100), 0), ((30, 90), 0), ((-90, -30), 1)])
def test_what_was_erased_does_not_come_back_when_its_time_becomes_known(
    open_again: Callable[[], History], erased: tuple[float, float], left: int
) -> None:
    """A window from 200 s before nine comes at a minute past nine, without a date."""

    class NowKnown:
        def time_of(self, *_: object) -> Dated:
            return Dated(datetime.fromtimestamp(NINE - 200, tz=timezone.utc), certain=True)

    history, now = open_again(), NINE + 60
    recorder = Recorder(history, now=lambda: now)
    recorder.take(arrived(summary(1, 0.0, clock_synced=False), late=True), TIMES)
    assert recorder.commit()
    history.erase(NORTH, NINE + erased[0], NINE + erased[1])
    now = NINE + 120
    recorder.take(arrived(birth(now)), NowKnown())
    assert recorder.commit()
    assert history.shares(NORTH, 0, NINE + 1000).at == [NINE - 200] * left
    assert history.shares(NORTH, 0, NINE + 1000, step_s=600.0).faces == [20] * left
    with history.database.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(tens)) == left


def test_no_marker_comes_back_into_what_was_erased(open_again: Callable[[], History]) -> None:
    history = open_again()
    record(history, arrived(birth(NINE, model="0123456789ab")), arrived(summary(1, NINE + 60)))
    history.erase(NORTH, NINE - 1, NINE + 59)
    record(open_again(), arrived(birth(NINE + 30, model="ba9876543210"), retained=True), at=NINE + 62)
    with history.database.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(markers).where(markers.c.kind == "model")) == 0


def test_what_comes_after_an_erasure_without_end_is_stored(history: History) -> None:
    record(history, arrived(summary(1, NINE)))
    history.erase(None, float("-inf"), float("inf"))
    future = NINE + 3650 * 86_400
    record(history, arrived(summary(2, future)), at=future)
    assert history.shares(NORTH, 0, future + 1).at == [future]


def test_the_bytes_are_gone_from_the_file(tmp_path: Path) -> None:
    def found() -> bool:
        return any(MARK.encode() in file.read_bytes() for file in tmp_path.iterdir())

    history = open_history(str(tmp_path / "history.db"))
    record(
        history,
        arrived(birth(NINE, room=MARK)),
        arrived(expression(1, NINE, track=MARK)),
        arrived(summary(1, NINE + 5)),
    )
    assert found()
    history.erase(NORTH, NINE - 3600, NINE + 3600)
    assert not found()
    history.close()
    assert not found()


def test_the_rows_are_gone_from_the_files_of_the_server(history: History) -> None:
    record(history, *(arrived(summary(seq, NINE + 5 * seq)) for seq in range(1, 3000)), at=NINE + 15_000)
    before = history.stored().size_bytes
    history.erase(NORTH, 0, NINE + 1e6)
    assert history.stored().size_bytes < before


def test_a_device_that_is_not_known_and_a_turned_time_are_refused(history: History) -> None:
    with pytest.raises(InputError, match="north/pi-3a"):
        history.erase(NORTH, 0, 1)
    with pytest.raises(InputError, match="end before the begin"):
        history.erase(None, 2, 1)
