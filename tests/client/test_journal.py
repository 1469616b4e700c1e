"""A subscriber's knowledge, told as a timeline of messages."""

from __future__ import annotations

from typing import Any

import pytest

from edge_agent.client.gaps import Patience
from edge_agent.client.journal import Journal, Request
from edge_agent.client.liveness import DeviceState
from edge_agent.client.notices import Arrived, Device, Lost, Missing, Notice, StateChanged
from edge_agent.messaging.payloads import (
    CameraHealth,
    Expression,
    Health,
    Message,
    OutboxHealth,
    Reply,
    SessionRecord,
    Status,
)
from edge_agent.messaging.topics import Address

PI = Device("north", "pi-3a")


def event(seq: int, session: str = "S2") -> Expression:
    return Expression(
        event_id=f"pi-3a/{session}/expression/{seq}", kind="start", track="t", expression="happy", confidence=1.0,
        scores={"happy": 1.0}, previous=None, held_s=0.0, observed_at="2026-11-22T09:00:00.000Z", mono_ms=0,
        session=session, seq=seq, clock_synced=True, model="m",
    )  # fmt: skip


def birth(session: str = "S2", **last_seqs: dict[str, int]) -> Status:
    seqs: dict[str, dict[str, int]] = {session: {}, **last_seqs}
    sessions = tuple(
        SessionRecord(session=name, started_at="2026-11-22T09:00:00.000Z", clock_synced=True, last_seq=last)
        for name, last in sorted(seqs.items(), reverse=True)
    )
    return Status(state="online", session=session, health_every_s=30.0, sessions=sessions)


def death(session: str = "S2") -> Status:
    return Status(state="offline", session=session, reason="connection_lost")


def health(session: str = "S2", **last_seq: int) -> Health:
    return Health(
        fps=9.0, latency_ms={}, camera=CameraHealth(state="ok"), frames_read=0, frames_dropped=0,
        outbox=OutboxHealth(storage="disk", pending=0, kept_bytes=0, lost=0), last_seq=last_seq,
        observed_at="2026-11-22T09:00:00.000Z", mono_ms=0, session=session, clock_synced=True,
    )  # fmt: skip


class Timeline:
    """A journal and everything it has said so far."""

    def __init__(self, **options: Any) -> None:
        patience = Patience(grace_s=1.0, retry_s=10.0)
        self.journal = Journal("me", patience=patience, draw=lambda: 0.0, **options)
        self.notices: list[Notice] = []
        self.requests: list[Request] = []

    def at(self, now: float, message: Message | None = None, *, retained: bool = False, late: bool = False) -> None:
        """Let a message come, or time pass."""
        if message is not None:
            self.comes(now, message, retained=retained, late=late)
        notices, requests = self.journal.tick(now)
        self.notices += notices
        self.requests += requests

    def comes(self, now: float, message: Message, *, retained: bool = False, late: bool = False) -> None:
        """Let a message come in one go with the next."""
        address = Address(*PI, type(message).__name__.lower())
        self.notices += self.journal.apply(address, message, now, retained=retained, late=late)

    def go_away_and_come_back(self) -> None:
        """The connection to the broker is lost, and there is a new one."""
        self.journal.disconnected()
        self.journal.connected()

    def of(self, kind: type) -> list[Any]:
        return [notice for notice in self.notices if isinstance(notice, kind)]

    @property
    def asked(self) -> list[tuple[object, ...]]:
        commands = [request.command for request in self.requests]
        return [(command.session, command.topic, command.first, command.last) for command in commands]


def test_a_repeated_event_is_told_once() -> None:
    line = Timeline()
    line.at(0.0, birth())
    line.at(1.0, event(1))
    line.at(2.0, event(1), late=True)
    assert [notice.message.seq for notice in line.of(Arrived) if isinstance(notice.message, Expression)] == [1]


def test_a_gap_is_reported_and_asked_for_and_closed_by_the_late_events() -> None:
    line = Timeline()
    line.at(0.0, birth())
    line.at(1.0, event(1))
    line.at(2.0, event(4))
    line.at(3.0)
    assert line.of(Missing) == [Missing(PI, "S2", "expression", 2, 3)]
    assert line.asked == [("S2", "expression", 2, 3)]
    line.at(3.5, event(2), late=True)
    line.at(3.6, event(3), late=True)
    line.at(60.0)
    assert len(line.requests) == 1


def test_what_the_device_no_longer_holds_is_lost() -> None:
    line = Timeline()
    line.at(0.0, birth())
    line.at(1.0, event(4))
    line.at(3.0)
    request = line.requests[0].command
    result = {"count": 2, "missing": [[1, 1]]}
    line.at(4.0, Reply(id=request.id, command="resend", ok=True, session="S2", result=result))
    assert line.of(Lost) == [Lost(PI, "S2", "expression", 1, 1)]


@pytest.mark.parametrize(
    "result", [{"missing": 5}, {"count": 0, "missing": [["a", "b"]]}, {"count": 0, "missing": [[2]]}]
)
def test_a_broken_reply_ends_nothing_and_the_gap_is_asked_for_again(result: dict[str, object]) -> None:
    line = Timeline()
    line.at(0.0, birth())
    line.at(1.0, event(1))
    line.at(1.0, event(4))
    line.at(3.0)
    line.at(4.0, Reply(id=line.requests[0].command.id, command="resend", ok=True, session="S2", result=result))
    line.at(60.0)
    assert line.asked == [("S2", "expression", 2, 3)] * 2
    assert line.of(Lost) == []


def test_the_reply_to_someone_elses_request_changes_nothing() -> None:
    line = Timeline()
    line.at(0.0, birth())
    line.at(1.0, event(4))
    line.at(3.0, Reply(id="other-1", command="resend", ok=True, session="S2", result={"missing": [[1, 3]]}))
    assert line.of(Lost) == []


def test_a_long_gap_is_asked_for_in_parts() -> None:
    line = Timeline()
    line.at(0.0, birth())
    line.at(1.0, event(5000))
    line.at(2.0)
    line.at(3.0, Reply(id=line.requests[0].command.id, command="resend", ok=True, session="S2",
                       result={"count": 1000, "missing": [], "more_from": 1001}))  # fmt: skip
    for seq in range(1, 1001):
        line.at(3.5, event(seq), late=True)
    line.at(4.0)
    assert line.asked == [("S2", "expression", 1, 4999), ("S2", "expression", 1001, 4999)]


def test_a_tail_lost_by_the_broker_is_noticed_from_the_next_birth() -> None:
    line = Timeline()
    line.at(0.0, birth())
    line.at(1.0, event(1))
    line.at(2.0, birth("S2", S2={"expression": 5}))
    line.at(3.0)
    assert line.asked == [("S2", "expression", 2, 5)]


def test_a_tail_lost_with_the_session_is_noticed_from_the_birth_of_the_next() -> None:
    line = Timeline()
    line.at(0.0, birth("S2"))
    line.at(1.0, event(1, "S2"))
    line.at(2.0, birth("S3", S2={"expression": 3}))
    line.at(3.0)
    assert line.asked == [("S2", "expression", 2, 3)]


def test_a_session_that_came_and_went_unseen_is_asked_for_whole() -> None:
    line = Timeline()
    line.at(0.0, birth("S2"))
    line.at(1.0, birth("S4", S3={"expression": 7, "summary": 2}))
    line.at(2.0)
    assert line.asked == [("S3", "expression", 1, 7), ("S3", "summary", 1, 2)]


def test_a_tail_lost_by_the_broker_is_noticed_from_health() -> None:
    line = Timeline()
    line.at(0.0, birth())
    line.at(1.0, event(1))
    line.at(2.0, health(expression=3))
    line.at(3.0)
    assert line.asked == [("S2", "expression", 2, 3)]


def test_who_joins_in_mid_lesson_asks_for_nothing_that_was_before() -> None:
    line = Timeline()
    line.at(0.0, birth("S2", S1={"expression": 90}), retained=True)
    line.at(0.0, health(expression=40), retained=True)
    line.at(1.0, event(52))
    line.at(2.0)
    line.at(9.0, event(54))
    line.at(20.0)
    assert line.asked == [("S2", "expression", 53, 53)]


def test_who_wants_to_catch_up_asks_for_everything_that_is_held() -> None:
    line = Timeline(catch_up=True)
    line.at(0.0, birth("S2", S1={"expression": 9}, S2={"expression": 4}), retained=True)
    line.at(2.0)
    assert line.asked == [("S2", "expression", 1, 4), ("S1", "expression", 1, 9)]


def test_the_first_event_of_a_session_is_missed_too() -> None:
    line = Timeline()
    line.at(0.0, birth(), retained=True)
    line.at(2.5)
    line.at(3.0, event(2))
    line.at(5.0)
    assert line.asked == [("S2", "expression", 1, 1)]


def test_states_are_told_when_they_change() -> None:
    line = Timeline()
    line.at(0.0, birth())
    line.at(1.0, health())
    line.at(100.0)
    line.at(101.0, health())
    line.at(102.0, Status(state="offline", session="S2", reason="stopped"))
    states = [(notice.state, notice.reason) for notice in line.of(StateChanged)]
    assert states == [
        (DeviceState.ONLINE, ""),
        (DeviceState.STALE, ""),
        (DeviceState.ONLINE, ""),
        (DeviceState.OFFLINE, "stopped"),
    ]
    assert line.journal.states() == {PI: DeviceState.OFFLINE}


def test_losing_the_broker_makes_every_device_unknown() -> None:
    line = Timeline()
    line.at(0.0, birth())
    assert line.journal.disconnected() == [StateChanged(PI, DeviceState.UNKNOWN, "")]


def test_old_sessions_are_forgotten() -> None:
    line = Timeline()
    for number in range(100):
        line.at(float(number), event(1, f"S{number:03d}"))
    (record,) = line.journal._records.values()
    assert len({session for session, _ in record.streams}) == 16


def test_a_device_that_appeared_while_the_broker_was_away_is_followed_from_its_first_event() -> None:
    line = Timeline()
    line.journal.connected()
    line.go_away_and_come_back()
    line.comes(10.0, birth(), retained=True)
    line.at(10.1, event(4))
    line.at(13.0)
    assert line.asked == [("S2", "expression", 1, 3)]


def test_a_device_of_which_a_broker_that_ends_told_only_the_death_is_followed_from_its_first_event() -> None:
    line = Timeline()
    line.journal.connected()
    line.at(0.0, death())
    line.go_away_and_come_back()
    line.comes(10.0, birth(), retained=True)
    line.at(10.1, event(4))
    line.at(13.0)
    assert line.asked == [("S2", "expression", 1, 3)]


def test_a_session_begun_while_away_after_the_death_of_an_earlier_one_is_followed_from_its_first_event() -> None:
    line = Timeline()
    line.journal.connected()
    line.at(0.0, death("S1"), retained=True)
    line.go_away_and_come_back()
    line.comes(10.0, birth("S2"), retained=True)
    line.at(10.1, event(4))
    line.at(13.0)
    assert line.asked == [("S2", "expression", 1, 3)]


def test_of_a_session_that_came_back_while_this_subscriber_was_away_it_wants_what_followed_that_birth() -> None:
    line = Timeline()
    line.journal.connected()
    line.at(0.0, death("S2"), retained=True)
    line.go_away_and_come_back()
    line.comes(10.0, birth("S2", S2={"expression": 49}), retained=True)
    line.at(10.1, event(53))
    line.at(13.0)
    assert line.asked == [("S2", "expression", 50, 52)]


def test_who_reaches_the_broker_at_the_second_try_has_joined_and_not_come_back() -> None:
    line = Timeline()
    line.journal.disconnected()
    line.journal.connected()
    line.at(10.0, birth(), retained=True)
    line.at(10.1, event(4))
    line.at(13.0)
    assert line.asked == []
