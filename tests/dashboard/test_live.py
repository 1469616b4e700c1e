"""What can be said of a room follows from what its device has said, and from time."""

from __future__ import annotations

import pytest

from dashboard.live.attention import Condition
from dashboard.live.earlier import LastKnown
from dashboard.live.school import School
from edge_agent.client import BrokerChanged, DeviceState, Notice, Removed, StateChanged
from edge_agent.protocol.messages import Status
from tests.dashboard.messages import NORTH, SESSION, arrived, birth, expression, health, online, summary

NOW = 1_800_000_000.0


def school_after(*notices: Notice, connected: bool = True) -> School:
    school = School(NOW)
    if connected:
        school.apply(BrokerChanged(connected=True, reason=""), NOW)
    for notice in notices:
        school.apply(notice, NOW)
    return school


LIVE = (online(), arrived(birth()), arrived(health()), arrived(summary()))


@pytest.mark.parametrize(
    ("notices", "condition"),
    [
        (LIVE, Condition.OK),
        ((online(),), Condition.WAITING),
        ((*LIVE, arrived(summary(None, seq=2))), Condition.TOO_FEW),
        ((*LIVE, arrived(summary(None, seq=2, muted=True))), Condition.MUTED),
        ((*LIVE, arrived(health("muted", muted=True))), Condition.MUTED),
        ((*LIVE, arrived(health("dark"))), Condition.DARK),
        ((*LIVE, arrived(health("frozen"))), Condition.FROZEN),
        ((*LIVE, arrived(health("stalled"))), Condition.STALLED),
        ((*LIVE, arrived(health("failed"))), Condition.FAILED),
        ((*LIVE, StateChanged(NORTH, DeviceState.STALE, "")), Condition.STALE),
        ((*LIVE, StateChanged(NORTH, DeviceState.OFFLINE, "stopped")), Condition.OFFLINE),
        ((*LIVE, StateChanged(NORTH, DeviceState.OFFLINE, "connection_lost")), Condition.DEAD),
        ((*LIVE, BrokerChanged(connected=False, reason="refused")), Condition.BROKER_GONE),
        ((online(), arrived(health("starting")), arrived(summary())), Condition.OK),
    ],
)
def test_each_condition_of_a_room_is_told_apart(notices: tuple[Notice, ...], condition: Condition) -> None:
    assert school_after(*notices).rooms[NORTH].condition is condition


def test_figures_that_stop_coming_are_no_longer_shown_as_those_of_now() -> None:
    school = school_after(*LIVE)
    assert school.tick(NOW + 19) == set()
    assert school.tick(NOW + 21) == {NORTH}
    assert school.rooms[NORTH].condition is Condition.SILENT
    assert school.rooms[NORTH].since == NOW + 21


def test_a_condition_keeps_its_beginning_while_it_holds() -> None:
    school = school_after(*LIVE)
    school.apply(arrived(summary(21, seq=2)), NOW + 5)
    assert school.rooms[NORTH].since == NOW


def test_what_comes_late_or_of_an_earlier_run_says_nothing_about_now() -> None:
    school = school_after(*LIVE)
    before = school.rooms[NORTH]
    assert school.apply(arrived(summary(3, seq=2), late=True), NOW) == set()
    school.apply(arrived(summary(3, session="01A")), NOW)
    assert school.rooms[NORTH] == before


def test_a_new_run_begins_without_figures_and_faces() -> None:
    school = school_after(*LIVE, arrived(expression()))
    assert set(school.rooms[NORTH].tracks) == {"w6w5"}
    school.apply(arrived(birth(session="01Z")), NOW)
    assert school.rooms[NORTH].summary is None
    assert not school.rooms[NORTH].tracks


def test_faces_come_change_and_end() -> None:
    school = school_after(*LIVE, arrived(expression()), arrived(expression("change", name="sad", seq=2)))
    assert school.rooms[NORTH].tracks["w6w5"].expression == "sad"
    school.apply(arrived(expression("end", name="sad", seq=3)), NOW)
    assert not school.rooms[NORTH].tracks


def test_a_device_that_invents_faces_does_not_fill_the_memory() -> None:
    school = school_after(*LIVE)
    for number in range(500):
        school.apply(arrived(expression(track=f"t{number}", seq=number + 1)), NOW)
    assert len(school.rooms[NORTH].tracks) <= 100


def test_a_room_is_called_as_its_settings_say_and_else_as_its_device() -> None:
    assert school_after(*LIVE).rooms[NORTH].name == "2b"
    assert school_after(online()).rooms[NORTH].name == "pi-1"


@pytest.mark.parametrize(
    ("said", "shown"),
    [("Room \u202elive\u202c", "Room live"), ("2\x00b\r\n", "2b"), ("\u200b", "pi-1"), ("räüm 2", "räüm 2")],
)
def test_a_name_has_no_characters_that_nobody_sees(said: str, shown: str) -> None:
    assert school_after(online(), arrived(birth(said))).rooms[NORTH].name == shown


HOUR = 3601.0
AWAY = StateChanged(NORTH, DeviceState.OFFLINE, "stopped")


@pytest.mark.parametrize(
    ("notices", "stays"),
    [
        (LIVE, True),
        ((online(), arrived(health()), arrived(summary())), False),
        ((online(), arrived(health(), retained=True)), False),
        ((*LIVE, AWAY), True),
        ((*LIVE, Removed(NORTH, "status")), False),
        ((*LIVE, Removed(NORTH, "health")), True),
        ((*LIVE, BrokerChanged(connected=True, reason="")), False),
        ((*LIVE, BrokerChanged(connected=True, reason=""), arrived(birth(), retained=True)), True),
    ],
)
def test_a_silent_device_leaves_the_page_where_the_broker_keeps_no_status(
    notices: tuple[Notice, ...], stays: bool
) -> None:
    school = school_after(*notices)
    school.tick(NOW + HOUR - 2)
    assert NORTH in school.rooms
    changed = school.tick(NOW + HOUR)
    assert stays or NORTH in changed
    assert (NORTH in school.rooms) is stays


def test_a_device_that_is_away_leaves_the_page_with_its_status_at_the_broker() -> None:
    school = school_after(*LIVE, AWAY)
    assert school.apply(Removed(NORTH, "status"), NOW) == {NORTH}
    assert not school.rooms
    school.apply(BrokerChanged(connected=False, reason="gone"), NOW)
    school.apply(StateChanged(NORTH, DeviceState.UNKNOWN, ""), NOW)
    assert not school.rooms
    school.apply(arrived(birth()), NOW)
    assert NORTH in school.rooms


def test_a_device_that_an_operator_removes_leaves_the_page_with_the_next_tick() -> None:
    school = school_after(*LIVE, StateChanged(NORTH, DeviceState.STALE, ""))
    school.forget_soon(NORTH)
    assert NORTH in school.rooms
    assert school.leaves_soon(NORTH)
    assert school.tick(NOW + 1) == {NORTH}
    assert not school.rooms
    assert not school.leaves_soon(NORTH)
    school.forget_soon(NORTH)
    assert school.tick(NOW + 2) == set()
    school.apply(arrived(birth()), NOW + 3)
    assert NORTH in school.rooms


def test_a_device_whose_clock_was_ahead_begins_anew_where_the_broker_keeps_no_later_status() -> None:
    ahead, later = "07ZZZZZZZZZZZZZZ", "01M81KPPFC0N5QFR"
    said = (arrived(birth(session=ahead)), arrived(health(session=ahead)), arrived(summary(session=ahead)))
    school = school_after(online(), *said)
    for notice in (arrived(birth(session=later)), arrived(summary(9, session=later))):
        school.apply(notice, NOW)
    assert school.rooms[NORTH].session == ahead, "an older status says nothing"
    school.apply(BrokerChanged(connected=True, reason=""), NOW)
    anew: tuple[Notice, ...] = (arrived(birth(session=later)), online(), arrived(summary(9, session=later)))
    for one in anew:
        school.apply(one, NOW)
    room = school.rooms[NORTH]
    assert (room.session, room.condition) == (later, Condition.OK)
    assert room.summary is not None
    assert room.summary.faces == 9


BORN = arrived(birth(), retained=True)
BROKEN = StateChanged(NORTH, DeviceState.OFFLINE, "connection_lost")
SILENT = StateChanged(NORTH, DeviceState.STALE, "")
MUTED = health("muted", muted=True)


class TestSinceWhen:
    """What a new process of the page knows from the history."""

    EARLY = NOW - 5000.0

    def school(self, known: LastKnown, *notices: Notice) -> School:
        school = School(NOW, {NORTH: known})
        school.apply(BrokerChanged(connected=True, reason=""), NOW)
        for notice in notices:
            school.apply(notice, NOW)
        return school

    @pytest.mark.parametrize(
        ("known", "notices", "condition"),
        [
            (LastKnown("offline", EARLY), (BORN, AWAY), Condition.OFFLINE),
            (LastKnown("offline", EARLY), (BORN, BROKEN), Condition.DEAD),
            (LastKnown("stale", EARLY), (BORN, online(), SILENT), Condition.STALE),
            (LastKnown("online", muted=True, muted_at=EARLY), (online(), arrived(MUTED)), Condition.MUTED),
            (LastKnown("online", camera="dark", camera_at=EARLY), (online(), arrived(health("dark"))), Condition.DARK),
        ],
    )
    def test_what_holds_still_has_held_since_then(
        self, known: LastKnown, notices: tuple[Notice, ...], condition: Condition
    ) -> None:
        room = self.school(known, *notices).rooms[NORTH]
        assert (room.condition, room.since) == (condition, self.EARLY)

    @pytest.mark.parametrize(
        ("known", "notices"),
        [
            (LastKnown("offline", EARLY), (BORN, online(), AWAY)),
            (LastKnown("stale", EARLY), (*LIVE, SILENT)),
            (LastKnown("online", muted=True, muted_at=EARLY), (*LIVE, arrived(MUTED))),
            (LastKnown("online", camera="dark", camera_at=EARLY), (*LIVE, arrived(health("dark")))),
            (LastKnown("online", camera="dark", camera_at=EARLY), (*LIVE, arrived(health("frozen")))),
            (LastKnown(), (online(), arrived(MUTED))),
        ],
    )
    def test_what_was_otherwise_meanwhile_begins_now(self, known: LastKnown, notices: tuple[Notice, ...]) -> None:
        assert self.school(known, *notices).rooms[NORTH].since == NOW

    def test_what_holds_through_a_time_without_broker_keeps_its_beginning(self) -> None:
        school = self.school(LastKnown(), online(), arrived(MUTED))
        notices: tuple[Notice, ...] = (
            BrokerChanged(connected=False, reason="gone"),
            StateChanged(NORTH, DeviceState.UNKNOWN, ""),
            BrokerChanged(connected=True, reason=""),
            BORN,
            online(),
            arrived(MUTED, retained=True),
        )
        for at, notice in enumerate(notices, start=1):
            school.apply(notice, NOW + 100 * at)
        room = school.rooms[NORTH]
        assert (room.condition, room.since) == (Condition.MUTED, NOW)

    def test_a_device_that_stopped_before_says_when(self) -> None:
        stopped = Status(
            state="offline", session=SESSION, reason="stopped", at="2027-01-15T07:00:00Z", clock_synced=True
        )
        room = self.school(LastKnown(), arrived(stopped, retained=True), AWAY).rooms[NORTH]
        assert (room.condition, room.since) == (Condition.OFFLINE, NOW - 3600)

    def test_a_broker_that_was_gone_before_is_gone_since_then(self) -> None:
        school = School(NOW, gone_since=self.EARLY)
        for reason in ("no route", "refused"):
            school.apply(BrokerChanged(connected=False, reason=reason), NOW)
        assert (school.connected_since, school.broker_reason) == (self.EARLY, "refused")
        school.apply(BrokerChanged(connected=True, reason=""), NOW + 9)
        assert school.connected_since == NOW + 9


def test_nobody_leaves_the_page_while_the_broker_is_gone() -> None:
    school = school_after(*LIVE, Removed(NORTH, "status"), BrokerChanged(connected=False, reason="gone"))
    school.tick(NOW + 3 * HOUR)
    assert NORTH in school.rooms
