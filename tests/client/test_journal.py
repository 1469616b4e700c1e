"""A subscriber's knowledge, as a timeline of messages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from edge_agent.client.events import Arrived, Denied, Lost, Missing, NotForwarded, Notice, Removed, StateChanged
from edge_agent.client.gaps import Patience
from edge_agent.client.journal import Journal, Request
from edge_agent.client.liveness import DeviceState
from edge_agent.clock import utc_text
from edge_agent.protocol.messages import (
    Expression,
    Message,
    Reply,
    Status,
)
from edge_agent.protocol.topics import Address
from tests.client.messages import NINE, PI, birth, death, event, health, summary


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

    def comes_alone(self, now: float, message: Expression) -> None:
        """An event comes on this subscriber's own topic."""
        address = Address(*PI, "expression", resent=True)
        self.notices += self.journal.apply(address, message, now, retained=False, late=True)

    def connect(self, now: float = 0.0) -> None:
        """There is a connection to the broker; time 0 is nine o'clock."""
        self.journal.connected(now, NINE + timedelta(seconds=now))

    def go_away_and_come_back(self, now: float = 5.0) -> None:
        """The connection to the broker is lost, and there is a new one."""
        self.journal.disconnected()
        self.connect(now)

    def of(self, kind: type) -> list[Any]:
        return [notice for notice in self.notices if isinstance(notice, kind)]

    @property
    def asked(self) -> list[tuple[object, ...]]:
        commands = [request.command for request in self.requests]
        return [(command.session, command.topic, command.first, command.last) for command in commands]


def test_a_repeated_event_is_reported_once() -> None:
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
    line.at(
        3.0,
        Reply(
            id=line.requests[0].command.id,
            command="resend",
            ok=True,
            session="S2",
            result={"count": 1000, "missing": [], "more_from": 1001},
        ),
    )
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


def test_who_catches_up_on_one_topic_asks_for_nothing_older_of_the_other() -> None:
    line = Timeline(catch_up=("summary",))
    line.at(0.0, birth("S2", S1={"expression": 9, "summary": 7}, S2={"expression": 4, "summary": 2}), retained=True)
    line.at(2.0)
    line.at(3.0, event(5))
    line.at(4.0, event(8))
    line.at(60.0)
    assert line.asked[:2] == [("S2", "summary", 1, 2), ("S1", "summary", 1, 7)]
    assert {asked for asked in line.asked if asked[1] == "expression"} == {("S2", "expression", 6, 7)}


def test_what_is_known_from_before_neither_arrives_nor_is_asked_for() -> None:
    line = Timeline(catch_up=True)
    line.journal.already_has(PI, "S1", "expression", [(1, 4), (6, 9)], 0.0)
    line.journal.already_has(PI, "S2", "expression", [(1, 3)], 0.0)
    line.at(0.0, birth("S2", S1={"expression": 9}, S2={"expression": 4}), retained=True)
    line.at(2.0, event(3), late=True)
    assert line.asked == [("S1", "expression", 5, 5), ("S2", "expression", 4, 4)]
    assert [notice.message.seq for notice in line.of(Arrived) if isinstance(notice.message, Expression)] == []


def test_who_must_not_disturb_others_asks_only_where_it_gets_the_answer_alone() -> None:
    quiet, alone = Timeline(catch_up=True, only_alone=True), Timeline(catch_up=True, only_alone=True, asker="-/me")
    for line in (quiet, alone):
        line.at(0.0, birth("S2", S2={"expression": 4}), retained=True)
        line.at(2.0)
    assert quiet.asked == []
    assert alone.asked == [("S2", "expression", 1, 4)]
    assert quiet.of(Missing) == [Missing(PI, "S2", "expression", 1, 4)]
    alone.journal.not_alone(at_all=True)
    alone.at(60.0)
    assert len(alone.asked) == 1


def test_the_first_event_of_a_session_is_missed_too() -> None:
    line = Timeline()
    line.at(0.0, birth(), retained=True)
    line.at(2.5)
    line.at(3.0, event(2))
    line.at(5.0)
    assert line.asked == [("S2", "expression", 1, 1)]


def test_states_are_reported_when_they_change() -> None:
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
    for number in range(200):
        line.at(float(number), event(1, f"S{number:03d}"))
    (record,) = line.journal._records.values()
    assert len({session for session, _ in record.streams}) == 128


def test_an_event_of_a_session_long_forgotten_is_reported_all_the_same() -> None:
    line = Timeline()
    for number in range(1, 130):
        line.at(float(number), event(1, f"S{number:03d}"))
    line.at(130.0, event(1, "S000"), late=True)
    assert [notice.message.session for notice in line.of(Arrived)][-1] == "S000"


@pytest.mark.parametrize(
    ("heard", "retained"),
    [(None, False), (death("S2"), False), (death("S1"), True)],
    ids=[
        "it appeared while the broker was away",
        "a broker that ends reported its death",
        "an earlier session had died",
    ],
)
def test_a_session_met_on_coming_back_is_followed_from_its_first_event(heard: Status | None, retained: bool) -> None:
    line = Timeline()
    line.connect()
    line.at(0.0, heard, retained=retained)
    line.go_away_and_come_back()
    line.comes(10.0, birth("S2"), retained=True)
    line.at(10.1, event(4))
    line.at(13.0)
    assert line.asked == [("S2", "expression", 1, 3)]


def test_of_a_device_known_only_as_dead_that_may_have_come_back_meanwhile_it_wants_the_session() -> None:
    line = Timeline()
    line.connect()
    line.at(0.0, death("S2"), retained=True)
    line.go_away_and_come_back()
    line.at(10.0, birth("S2", S2={"expression": 55}), retained=True)  # its second since
    line.at(13.0)
    assert line.asked == [("S2", "expression", 1, 55)]


def test_of_a_device_known_only_as_dead_that_comes_back_it_wants_what_follows_that_birth() -> None:
    line = Timeline()
    line.connect()
    line.at(0.0, death("S2"), retained=True)
    line.at(10.0, birth("S2", S2={"expression": 49}))
    line.at(10.1, event(53))
    line.at(13.0)
    assert line.asked == [("S2", "expression", 50, 52)]


def test_who_loses_the_connection_in_the_first_moments_has_joined_all_the_same() -> None:
    line = Timeline()
    line.connect()
    line.comes(0.0, birth(S2={"expression": 49}), retained=True)
    line.at(0.0, health(expression=60), retained=True)
    line.go_away_and_come_back(1.0)
    line.at(1.1, birth(S2={"expression": 75}))
    line.at(3.0)
    assert line.asked == [("S2", "expression", 61, 75)]


def test_runs_that_came_and_went_unheard_of_while_this_subscriber_was_away_are_asked_for() -> None:
    line = Timeline()
    line.connect()
    line.go_away_and_come_back()
    last = {"expression": 7}
    starts = {"S0": "2026-11-22T08:00:00Z", "S1": "2026-11-22T08:50:00Z", "S2": "2026-11-22T09:30:00Z"}
    line.at(3600.0, birth("S2", starts=starts, S0=last, S1=last, S2=last), retained=True)
    line.at(3602.0)
    assert sorted(line.asked) == [("S1", "expression", 1, 7), ("S2", "expression", 1, 7)]  # S0 had ended at ten to nine


def test_runs_of_which_nobody_knows_when_they_were_are_asked_for_too() -> None:
    line = Timeline()
    line.connect()
    line.go_away_and_come_back()
    starts = {"S0": "1970-01-01T00:00:00Z", "S1": "1970-01-01T00:00:00Z"}
    line.at(10.0, birth("S1", starts=starts, synced=False, S0={"expression": 7}), retained=True)
    line.at(12.0)
    assert line.asked == [("S0", "expression", 1, 7)]


def test_an_earlier_birth_does_not_undate_a_later_session() -> None:
    line = Timeline()
    line.at(0.0, birth("S3"))
    line.at(1.0, birth("S2"), retained=True)
    early = replace(event(1, "S3"), observed_at="1970-01-01T00:00:05Z", clock_synced=False, mono_ms=5000)
    dated = line.journal.time_of(PI, early)
    assert (utc_text(dated.at.timestamp()), dated.certain) == ("2026-11-22T09:00:05.000Z", True)


def test_who_reaches_the_broker_at_the_second_try_has_joined_and_not_come_back() -> None:
    line = Timeline()
    line.journal.disconnected()
    line.connect()
    line.at(10.0, birth(), retained=True)
    line.at(10.1, event(4))
    line.at(13.0)
    assert line.asked == []


def test_events_are_asked_for_on_the_subscribers_own_topic() -> None:
    timeline = Timeline(asker="me/here", asker_filter="r/resent/#")
    timeline.at(0.0, birth())
    timeline.at(0.0, event(1))
    timeline.at(1.0, event(4))
    timeline.at(2.5)
    (request,) = timeline.requests
    assert request.command.reply_to == "me/here"
    timeline.at(2.6, Reply(id=request.command.id, command="resend", ok=True, session="S2", result=RESENT))
    for seq in (2, 3):
        timeline.comes_alone(2.7, event(seq))
    timeline.at(100.0)
    assert (len(timeline.requests), timeline.of(Denied)) == (1, [])


RESENT = {"count": 2, "missing": []}


def test_events_that_were_promised_and_did_not_come_are_asked_for_in_the_old_way_until_the_next_connection() -> None:
    timeline = Timeline(asker="me/here", asker_filter="r/resent/#")
    timeline.at(0.0, birth())
    timeline.at(0.0, event(1))
    timeline.at(1.0, event(4))
    timeline.at(2.5)
    timeline.at(2.6, Reply(id=timeline.requests[0].command.id, command="resend", ok=True, session="S2", result=RESENT))
    timeline.at(20.0)
    assert timeline.requests[1].command.reply_to is UNSET
    assert len(timeline.of(Denied)) == 1
    timeline.go_away_and_come_back(50.0)
    timeline.at(60.0)
    assert timeline.requests[2].command.reply_to == "me/here"
    timeline.at(61.0, Reply(id=timeline.requests[2].command.id, command="resend", ok=True, session="S2", result=RESENT))
    timeline.at(900.0)
    assert timeline.requests[3].command.reply_to is UNSET
    assert len(timeline.of(Denied)) == 1


def test_a_device_that_does_not_answer_is_asked_on_as_before() -> None:
    timeline = Timeline(asker="me/here", asker_filter="r/resent/#")
    timeline.at(0.0, birth())
    timeline.at(0.0, event(1))
    timeline.at(1.0, event(4))
    for now in (2.5, 20.0, 50.0):
        timeline.at(now)
    assert [request.command.reply_to for request in timeline.requests] == ["me/here"] * 3
    assert timeline.of(Denied) == []


def test_a_topic_that_a_bridge_does_not_forward_is_noticed_and_its_gaps_end() -> None:
    timeline = Timeline()
    timeline.connect()
    timeline.at(0.0, birth(), retained=True)
    for report, seq in enumerate((3, 6, 9, 12, 15)):
        timeline.at(30.0 * report, summary(report + 1))
        timeline.at(30.0 * report + 1.0, health(expression=seq, summary=report + 1))
    assert timeline.of(NotForwarded) == [NotForwarded(PI, "expression")]
    asked, missed = len(timeline.requests), len(timeline.of(Missing))
    for report in range(5, 40):
        timeline.at(30.0 * report, health(expression=3 * report, summary=5))
    assert (len(timeline.requests), len(timeline.of(Missing))) == (asked, missed)
    timeline.at(1300.0, health(expression=200, summary=8))  # a gap in what is forwarded still is one
    timeline.at(1310.0)
    assert timeline.of(Missing)[-1] == Missing(PI, "S2", "summary", 6, 8)


def test_a_topic_that_comes_after_all_is_followed_from_then_on() -> None:
    timeline = Timeline()
    timeline.connect()
    timeline.at(0.0, birth(), retained=True)
    for report in range(4):
        timeline.at(30.0 * report, health(expression=3 * report + 1))
    asked = len(timeline.requests)
    timeline.at(200.0, event(40))
    timeline.at(201.0, event(42))
    timeline.at(203.0)
    assert timeline.of(Missing)[-1] == Missing(PI, "S2", "expression", 41, 41)
    assert len(timeline.requests) == asked + 1


def test_a_topic_that_once_came_is_asked_for_however_long_nothing_comes() -> None:
    timeline = Timeline()
    timeline.connect()
    timeline.at(0.0, birth())
    timeline.at(0.0, event(1))
    for report in range(1, 9):
        timeline.at(30.0 * report, health(expression=3 * report))
    assert timeline.of(NotForwarded) == []
    assert len(timeline.requests) > 3


def test_a_quiet_classroom_and_what_was_before_are_no_sign_of_a_bridge() -> None:
    timeline = Timeline(catch_up=True)
    timeline.connect()
    timeline.at(0.0, birth(S1={"expression": 20}), retained=True)
    for report in range(6):
        timeline.at(30.0 * report, health(expression=5))
        timeline.go_away_and_come_back(30.0 * report + 15.0)
        timeline.at(30.0 * report + 16.0, health(expression=5 + report), retained=True)
    assert timeline.of(NotForwarded) == []


def test_who_shares_a_topic_with_others_judges_nothing() -> None:
    timeline = Timeline(whole=False)
    timeline.connect()
    for report in range(6):
        timeline.at(30.0 * report, health(expression=5 * report))
    assert timeline.of(NotForwarded) == []


@pytest.mark.parametrize(
    ("topic", "away", "anew"), [("status", True, True), ("status", False, False), ("health", True, False)]
)
def test_a_device_that_is_away_and_has_no_status_any_more_may_begin_a_smaller_session(
    topic: str, away: bool, anew: bool
) -> None:
    line = Timeline()
    line.at(0.0, birth("S9"))
    line.at(1.0, event(1, "S9"))
    if away:
        line.at(2.0, death("S9"))
    line.notices += line.journal.removed(PI, topic)
    line.at(3.0, birth("S3"))
    line.at(4.0, event(2, "S3"))
    line.at(6.0)
    assert line.of(Removed) == [Removed(PI, topic)]
    last = line.of(StateChanged)[-1].state
    assert last is (DeviceState.ONLINE if anew or not away else DeviceState.OFFLINE)
    assert line.of(Missing) == ([Missing(PI, "S3", "expression", 1, 1)] if anew else [])
    count = len(line.of(Arrived))
    line.at(7.0, event(1, "S9"), late=True)
    assert len(line.of(Arrived)) == count, "what came before is still known"
    line.at(8.0, birth("S4"))
    assert line.journal.states()[PI] is last


@pytest.mark.parametrize("retained", [True, False])
@pytest.mark.parametrize(("first", "state"), [(birth, DeviceState.ONLINE), (death, DeviceState.OFFLINE)])
def test_the_first_status_on_a_connection_counts_whatever_its_session(
    first: Callable[[str], Status], state: DeviceState, retained: bool
) -> None:
    """The device's clock was ahead, and nothing is left of that: the broker was set up anew while nobody was here."""
    line = Timeline()
    line.at(0.0, birth("S9"))
    line.notices += line.journal.disconnected()
    line.connect(10.0)
    line.at(11.0, first("S3"), retained=retained)
    assert line.journal.states()[PI] is state
    line.at(12.0, birth("S2"))
    assert line.journal.states()[PI] is state, "only the first one"
    line.at(13.0, birth("S4"))
    assert line.journal.states()[PI] is DeviceState.ONLINE


def test_a_subscriber_that_has_missed_much_of_many_devices_asks_little_by_little() -> None:
    journal = Journal("me", patience=Patience(grace_s=1.0, retry_s=10.0), draw=lambda: 0.0, catch_up=True)
    journal.connected(0.0, NINE)
    for number in range(30):
        report = health(expression=20_000)
        journal.apply(Address("north", f"pi-{number}", "health"), report, 0.0, retained=True, late=False)
    asked: list[int] = []
    for tick in range(600):
        _, requests = journal.tick(tick / 10)
        asked += [tick] * len(requests)
    assert len([tick for tick in asked if tick <= 20]) in range(5, 9), "a burst"
    assert len(set(asked)) > 10, "then one after the other"
    assert len(asked) <= 5 + 60 * 500 // 1000 + 1


def test_the_removal_of_a_device_never_heard_of_is_reported_alone() -> None:
    line = Timeline()
    assert line.journal.removed(PI, "status") == [Removed(PI, "status")]
    assert not line.journal.states()
