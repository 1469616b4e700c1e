"""What is stored of what the client reports: each event once, at its time, with markers for what is no figure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest
from sqlalchemy import func, select

from dashboard.history import History, Marker, Recorder, Retention, writer
from dashboard.history.retention import enforce
from dashboard.history.tables import faces, health, statuses, windows
from edge_agent.client import BrokerChanged, Dated, Device, DeviceState, Lost, Notice, StateChanged
from tests.dashboard.history.samples import (
    LABELS,
    NINE,
    NORTH,
    SHARES,
    SOUTH,
    TIMES,
    arrived,
    birth,
    expression,
    summary,
)
from tests.dashboard.history.samples import health as report


def record(history: History, *notices: Notice, at: float = NINE + 60, **options: Any) -> Recorder:
    recorder = Recorder(history, now=lambda: at, **options)
    for notice in notices:
        recorder.take(notice, TIMES)
    assert recorder.commit(), recorder.problem
    return recorder


def rows(history: History, table: Any) -> int:
    with history.database.reading() as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0


def happened(history: History, device: Device = NORTH) -> list[Marker]:
    return [marker for marker in history.markers(device, 0, NINE + 1e6) if marker.kind != "recorder"]


def test_figures_are_read_as_they_were_sent(history: History) -> None:
    record(history, arrived(birth(NINE)), arrived(summary(1, NINE + 5)), arrived(summary(2, NINE + 10, faces=None)))
    series = history.shares(NORTH, NINE, NINE + 60)
    assert series.at == [NINE + 5, NINE + 10]
    assert series.window_s == [5.0, 5.0]
    assert series.faces == [20, None]
    assert {name: values[0] for name, values in series.shares.items()} == {
        label: SHARES.get(label, 0.0) for label in (*LABELS, "uncertain")
    }
    assert all(values[1] is None for values in series.shares.values())
    assert series.late == [False, False]
    assert history.rooms() == [NORTH]
    assert history.room_names() == {NORTH: "3a"}


@pytest.mark.parametrize("step_s", [0, 60])
def test_figures_that_are_rough_on_purpose_stay_marked_so(history: History, step_s: float) -> None:
    record(history, arrived(summary(1, NINE + 5)), arrived(summary(2, NINE + 65, approximate=True)))
    assert history.shares(NORTH, NINE, NINE + 120, step_s).approximate == [False, True]
    list(enforce(history.database, Retention(full_days=1), NINE + 3 * 86_400))
    assert rows(history, windows) == 0
    assert history.shares(NORTH, NINE, NINE + 120, step_s).approximate == [False, True]


def test_an_empty_classroom_is_nobody_and_no_gap(history: History) -> None:
    record(history, arrived(summary(1, NINE + 5, faces=0, shares={})), arrived(summary(2, NINE + 10)))
    series = history.shares(NORTH, NINE, NINE + 60)
    assert series.faces == [0, 20]
    assert all(values[0] is None for values in series.shares.values())


def test_an_event_is_stored_once_however_often_it_is_taken(open_again: Callable[[], History]) -> None:
    history = open_again()
    notices = [arrived(summary(seq, NINE + 5 * seq)) for seq in (1, 2, 4)]
    record(history, *notices, *notices)
    record(history, *notices)  # a recorder that has started again, and catches up
    record(open_again(), *notices, arrived(summary(3, NINE + 15), late=True))
    assert rows(history, windows) == 4
    assert history.shares(NORTH, NINE, NINE + 60).late == [False, False, True, False]


def test_the_same_numbers_of_other_sessions_and_devices_are_other_events(history: History) -> None:
    record(
        history,
        arrived(summary(1, NINE + 5)),
        arrived(summary(1, NINE + 5, session="S2")),
        arrived(summary(1, NINE + 5), SOUTH),
        arrived(expression(1, NINE + 5)),
    )
    assert rows(history, windows) == 3


def test_health_and_status_that_the_broker_keeps_are_stored_once(history: History) -> None:
    kept = [arrived(birth(NINE), retained=True), arrived(report(NINE, 1000), retained=True)]
    record(history, *kept, *kept)
    record(history, *kept, arrived(report(NINE + 30, 31_000)))
    assert rows(history, statuses) == 1
    assert rows(history, health) == 2
    series = history.health(NORTH, 0, NINE + 60)
    assert series.at == [NINE, NINE + 30]
    assert (series.fps[0], series.temperature_c[0], series.pending[0], series.problems[0]) == (9.5, 51.5, 3, ())


def test_faces_are_stored_only_if_asked_for(history: History) -> None:
    record(history, arrived(expression(1, NINE)))
    assert rows(history, faces) == 0
    record(history, arrived(expression(1, NINE)), arrived(expression(2, NINE)), retention=Retention(faces_days=2))
    assert rows(history, faces) == 2


class TestTime:
    def test_a_clock_that_was_not_set_is_dated_by_arrival_and_marked(self, history: History) -> None:
        record(history, arrived(summary(1, 0.0, clock_synced=False)), at=NINE + 7)
        series = history.shares(NORTH, NINE, NINE + 60)
        assert (series.at, series.undated) == ([NINE + 7], [True])

    @pytest.mark.parametrize("years", [-30, -1, 1, 900])
    def test_a_clock_that_is_years_off_is_dated_by_arrival_and_marked(self, history: History, years: int) -> None:
        at = NINE + years * 365 * 86_400
        record(history, arrived(summary(1, at)), arrived(report(at, 5)), at=NINE + 7)
        series = history.shares(NORTH, NINE, NINE + 60)
        assert (series.at, series.undated) == ([NINE + 7], [True])
        assert history.health(NORTH, NINE, NINE + 60).at == [NINE + 7]

    def test_what_was_sent_late_keeps_its_time(self, history: History) -> None:
        record(history, arrived(summary(1, NINE - 80_000), late=True))
        series = history.shares(NORTH, NINE - 86_400, NINE)
        assert (series.at, series.late, series.undated) == ([NINE - 80_000], [True], [False])

    def test_what_was_not_to_be_dated_gets_its_time_when_that_becomes_known(self, history: History) -> None:
        class NowKnown:
            def time_of(self, *_: object) -> Dated:
                return Dated(datetime.fromtimestamp(NINE - 300, tz=timezone.utc), certain=True)

        recorder = record(history, arrived(summary(1, 0.0, clock_synced=False), late=True))
        assert history.shares(NORTH, NINE, NINE + 60).undated == [True]
        recorder.take(arrived(birth(NINE)), NowKnown())
        assert recorder.commit()
        series = history.shares(NORTH, NINE - 600, NINE + 600)
        assert (series.at, series.undated, series.late) == ([NINE - 300], [False], [True])


class TestMarkers:
    def test_muting_and_unmuting_are_marked_once(self, history: History) -> None:
        notices = [
            arrived(report(NINE, 0)),
            arrived(summary(1, NINE + 5, faces=None, muted=True)),
            arrived(report(NINE + 6, 6000, muted=True)),
            arrived(report(NINE + 36, 36_000, muted=True)),
            arrived(report(NINE + 40, 40_000)),
        ]
        record(history, *notices)
        record(history, *notices)
        assert happened(history) == [Marker(NINE + 5, "muted", ""), Marker(NINE + 40, "unmuted", "")]

    def test_states_of_the_camera_are_marked(self, history: History) -> None:
        reports = [("ok", 0), ("dark", 30), ("dark", 60), ("ok", 90)]
        record(history, *(arrived(report(NINE + s, 1000 * s, camera=state)) for state, s in reports), at=NINE + 90)
        assert happened(history) == [Marker(NINE + 30, "camera", "dark"), Marker(NINE + 90, "camera", "ok")]

    def test_a_new_model_is_marked(self, history: History) -> None:
        first, second = arrived(birth(NINE)), arrived(birth(NINE + 50, model="ba9876543210"))
        record(history, first, first, second)
        assert happened(history) == [Marker(NINE + 50, "model", "0123456789ab -> ba9876543210")]

    def test_coming_and_going_are_marked_once(self, history: History) -> None:
        online = StateChanged(NORTH, DeviceState.ONLINE, "")
        gone = StateChanged(NORTH, DeviceState.OFFLINE, "connection_lost")
        record(history, online, at=NINE)
        record(history, StateChanged(NORTH, DeviceState.UNKNOWN, ""), online, gone, at=NINE + 1)
        record(history, StateChanged(NORTH, DeviceState.STALE, ""), at=NINE + 2)
        assert happened(history) == [
            Marker(NINE, "online", ""),
            Marker(NINE + 1, "offline", "connection_lost"),
            Marker(NINE + 2, "stale", ""),
        ]

    def test_a_broker_that_is_gone_is_marked_for_every_room(self, history: History) -> None:
        record(history, BrokerChanged(True, ""), arrived(report(NINE, 0)), arrived(report(NINE, 0), SOUTH))
        record(history, BrokerChanged(False, "no route"), BrokerChanged(False, "no route"), at=NINE + 1)
        record(history, BrokerChanged(True, ""), at=NINE + 2)
        expected = [Marker(NINE + 1, "broker", "no route"), Marker(NINE + 2, "broker_back", "")]
        assert happened(history) == happened(history, SOUTH) == expected

    def test_what_will_not_come_is_marked_where_it_is_missing(self, history: History) -> None:
        lost = Lost(NORTH, "S1", "summary", 2, 13)
        record(history, arrived(summary(1, NINE + 5)), arrived(summary(14, NINE + 70)), lost, lost, at=NINE + 70)
        record(history, lost, at=NINE + 99)
        assert happened(history) == [Marker(NINE + 5, "lost", "12 windows")]

    def test_what_was_lost_before_the_recording_began_is_not_marked(self, history: History) -> None:
        record(history, Lost(NORTH, "S0", "summary", 1, 99), arrived(summary(5, NINE + 5)))
        record(history, Lost(NORTH, "S1", "summary", 1, 4))
        assert happened(history) == []

    def test_when_nobody_recorded_is_marked(self, open_again: Callable[[], History]) -> None:
        record(open_again(), arrived(summary(1, NINE)), at=NINE)  # and killed
        history = open_again()
        record(history, arrived(summary(2, NINE + 500)), at=NINE + 500)
        assert history.markers(NORTH, 0, NINE + 1e6) == [
            Marker(NINE, "recorder", "began"),
            Marker(NINE, "recorder", "ended"),
            Marker(NINE + 500, "recorder", "began"),
        ]


class TestHostileDevices:
    @pytest.mark.parametrize(
        "notice",
        [
            arrived(summary(1, NINE, faces=2**40)),
            arrived(summary(1, NINE, window_s=1e300)),
            arrived(summary(1, NINE, session="S" * 70_000)),
            arrived(summary(1, NINE, session="a\0b")),
            arrived(summary(1, NINE, mono_ms=2**80)),
            arrived(summary(1, NINE, shares={f"label {n}": 0.0 for n in range(5000)})),
            arrived(summary(1, NINE), Device("s" * 5000, "x")),
            arrived(report(NINE, -(2**80))),
        ],
    )
    def test_what_no_database_takes_is_left_out_and_the_rest_is_stored(self, history: History, notice: Notice) -> None:
        record(history, notice, arrived(summary(2, NINE + 5), SOUTH))
        assert rows(history, windows) == 1
        assert rows(history, health) == 0

    def test_text_of_every_kind_is_stored_cut_and_clean(self, history: History) -> None:
        label = "<b>happy\0</b>" + "x" * 500
        record(
            history,
            arrived(birth(NINE, room="<script>alert(1)</script>\0" + "é" * 500)),
            arrived(summary(1, NINE + 5, shares={label: 1.0})),
        )
        assert history.room_names()[NORTH].startswith("<script>alert(1)</script>é")
        assert len(history.room_names()[NORTH]) == 79
        (name,) = history.shares(NORTH, NINE, NINE + 60).shares
        assert name == label[:64].replace("\0", "")

    def test_numbers_with_holes_everywhere_do_not_grow_without_bound(
        self, history: History, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(writer, "_MAX_RANGES", 50)
        recorder = record(history)
        for seq in range(1, 300, 2):
            recorder.take(arrived(summary(seq, NINE + 5)), TIMES)
            assert seq % 20 != 1 or recorder.commit()
        assert recorder.commit()
        assert 50 <= rows(history, windows) <= 70


def test_of_two_recorders_the_later_one_stores(open_again: Callable[[], History]) -> None:
    history = open_again()
    first = record(history, arrived(summary(1, NINE)))
    second = record(open_again(), arrived(summary(2, NINE + 5)))
    first.take(arrived(summary(3, NINE + 10)), TIMES)
    assert not first.commit()
    assert first.ended.is_set()
    assert "another recorder" in first.problem
    second.take(arrived(summary(3, NINE + 10)), TIMES)
    assert second.commit()
    assert rows(history, windows) == 3


class TestTwoRecorders:
    def test_one_with_nothing_to_store_notices_at_once_that_it_was_replaced(
        self, history: History, open_again: Callable[[], History]
    ) -> None:
        first = record(history, resume=True)
        record(open_again())
        assert not first.commit()
        assert first.replaced
        assert not first.ended.is_set()

    def test_one_that_was_replaced_records_again_when_the_other_ends(
        self, history: History, open_again: Callable[[], History]
    ) -> None:
        first = record(history, arrived(summary(1, NINE)), resume=True)
        second = Recorder(open_again(), now=lambda: NINE + 60)
        second.take(arrived(summary(2, NINE + 5)), TIMES)
        second.start()
        second.close()
        for seq in (2, 3):
            first.take(arrived(summary(seq, NINE + 5 * seq)), TIMES)
        assert not first.commit()
        assert first.commit()
        assert (first.replaced, first.problem) == (False, "")
        assert rows(history, windows) == 3
        texts = [marker.text for marker in history.markers(NORTH, 0, NINE + 1e6) if marker.kind == "recorder"]
        assert texts == ["began", "ended", "began", "ended", "began"]

    def test_one_that_was_replaced_records_again_when_the_other_is_silent_and_not_before(
        self, history: History, open_again: Callable[[], History]
    ) -> None:
        time = [NINE]
        clocks: dict[str, Any] = {"now": lambda: time[0], "clock": lambda: time[0]}
        first = Recorder(history, resume=True, **clocks)
        assert first.commit()
        second = Recorder(open_again(), resume=True, **clocks)
        assert second.commit()
        for _ in range(10):  # it has nothing to store, and still notes that it records
            time[0] += 21
            assert second.commit()
            assert not first.commit()
        time[0] += 59
        assert not first.commit()
        time[0] += 2
        assert first.commit()
        assert not second.commit()
        assert second.replaced

    def test_what_the_other_has_stored_is_not_kept_for_long_and_not_stored_twice(
        self, history: History, open_again: Callable[[], History]
    ) -> None:
        time = [NINE]
        clocks: dict[str, Any] = {"now": lambda: time[0], "clock": lambda: time[0]}
        first, second = Recorder(history, resume=True, **clocks), Recorder(open_again(), **clocks)
        assert first.commit()
        assert second.commit()
        for seq in range(1, 101):
            time[0] += 5
            state = DeviceState.ONLINE if seq % 2 else DeviceState.OFFLINE
            for recorder in (first, second):
                recorder.take(arrived(summary(seq, time[0])), TIMES)
                recorder.take(StateChanged(NORTH, state, ""), TIMES)
            assert second.commit()
            assert not first.commit()
            assert first.waiting < 50
        time[0] += 61
        assert first.commit()
        assert rows(history, windows) == 100
        assert len([marker for marker in happened(history) if marker.kind in ("online", "offline")]) == 100


def test_a_room_begins_with_its_first_figures(history: History) -> None:
    assert history.begin(NORTH) is None
    record(history, *(arrived(summary(number, NINE + 5 * number)) for number in range(1, 4)))
    assert history.begin(NORTH) == NINE + 5
    assert history.begin(SOUTH) is None
    for _ in enforce(history.database, Retention(full_days=7), NINE + 30 * 86400):
        pass
    assert rows(history, windows) == 0
    assert history.begin(NORTH) == NINE
