"""Putting events in, taking them out, and what becomes of them between."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edge_agent.config import OutboxSettings
from edge_agent.errors import Rejected
from edge_agent.outbox.outbox import Outbox
from edge_agent.outbox.replay import RESEND_LIMIT, ResendAnswer, ResendOutcome, ResendRange
from edge_agent.outbox.store import Row, StoredSession
from tests.support.broker import wait_until
from tests.support.clocks import SteppedClock


@pytest.fixture
def open_outbox(tmp_path: Path) -> Iterator[Callable[..., Outbox]]:
    """Opens started outboxes on one file and closes those still open at the end."""
    opened: list[Outbox] = []

    def open_one(clock: SteppedClock | None = None, **settings: Any) -> Outbox:
        settings = {"path": str(tmp_path / "outbox.db"), "commit_s": 0.0, **settings}
        outbox = Outbox(OutboxSettings(**settings), clock or SteppedClock())
        outbox.start()
        opened.append(outbox)
        return outbox

    yield open_one
    for outbox in opened:
        outbox.close()


def put(outbox: Outbox, *numbers: int, topic: str = "expression", session: str = "S1") -> None:
    for number in numbers:
        outbox.put(topic, session, number, b"%d" % number, mono_ms=number)
    assert outbox.flush(10)


def seqs(rows: list[Row]) -> list[int]:
    return [row.seq for row in rows]


def take(outbox: Outbox, limit: int = 100) -> list[Row]:
    """What there is to take once the outbox has looked into its file."""
    rows: list[Row] = []

    def something() -> bool:
        rows.extend(outbox.take(limit))
        return bool(rows)

    wait_until(something, what="rows to take")
    return rows


def request(outbox: Outbox, wanted: ResendRange) -> ResendOutcome:
    answers: list[ResendOutcome] = []
    outbox.resend(wanted, answers.append)
    wait_until(lambda: answers, what="an answer")
    return answers[0]


def ask(outbox: Outbox, wanted: ResendRange) -> ResendAnswer:
    outcome = request(outbox, wanted)
    assert isinstance(outcome, ResendAnswer)
    return outcome


def test_events_are_taken_in_order_and_once(open_outbox: Callable[..., Outbox]) -> None:
    outbox = open_outbox()
    put(outbox, 1, 2, 3)
    assert seqs(outbox.take(2)) == [1, 2]
    assert seqs(outbox.take(2)) == [3]
    assert outbox.take(2) == []


def test_nothing_is_taken_before_it_is_stored(tmp_path: Path) -> None:
    outbox = Outbox(OutboxSettings(path=str(tmp_path / "outbox.db")), SteppedClock())
    outbox.put("expression", "S1", 1, b"1", 1)
    assert outbox.take(1) == []
    assert outbox.statistics().accepted == 0
    outbox.close()


def test_undelivered_events_are_taken_again_after_a_restart_in_order(open_outbox: Callable[..., Outbox]) -> None:
    first = open_outbox()
    put(first, 1, 2, 3, 4)
    for row in first.take(2):
        first.delivered(row)
    first.take(1)
    first.close()
    second = open_outbox()
    assert second.statistics().pending == 2
    put(second, 1, session="S2")
    assert [(row.session, row.seq) for row in take(second)] == [("S1", 3), ("S1", 4), ("S2", 1)]


def test_the_sender_is_notified_once_no_topic_can_have_older_events(tmp_path: Path) -> None:
    settings = OutboxSettings(path=str(tmp_path / "outbox.db"))
    first = Outbox(settings, SteppedClock())
    first.put("expression", "S1", 1, b"1", 1)
    first.close()
    taken: list[Row] = []
    second = Outbox(settings, SteppedClock(), on_ready=lambda: taken.extend(second.take(10)))
    second.start()
    wait_until(lambda: taken, what="the sender being notified")
    second.close()


def test_a_backlog_of_several_topics_leaves_in_the_order_it_was_accepted(open_outbox: Callable[..., Outbox]) -> None:
    outbox = open_outbox()
    for number in range(1, 2001):
        outbox.put("summary" if number % 3 else "expression", "S1", number, b"%d" % number, mono_ms=number)
    assert outbox.flush(30)
    taken: list[Row] = []

    def all_of_them() -> bool:
        taken.extend(outbox.take(40))
        return len(taken) == 2000

    wait_until(all_of_them, what="2000 rows")
    assert seqs(taken) == list(range(1, 2001))


def test_events_stored_at_closing_time_are_kept(open_outbox: Callable[..., Outbox]) -> None:
    first = open_outbox(commit_s=60.0)
    put(first, 1)
    first.put("expression", "S1", 2, b"2", 2)
    first.close()
    assert seqs(take(open_outbox())) == [1, 2]


def test_what_was_not_delivered_goes_first_again(open_outbox: Callable[..., Outbox]) -> None:
    outbox = open_outbox()
    put(outbox, 1, 2, 3)
    outbox.put_back(outbox.take(2))
    assert seqs(outbox.take(3)) == [1, 2, 3]


def test_a_long_queue_is_taken_whole_and_in_order(open_outbox: Callable[..., Outbox]) -> None:
    first = open_outbox()
    put(first, *range(1, 1801))
    first.close()
    second = open_outbox()
    taken: list[int] = []
    while len(taken) < 1800:
        rows = take(second, 37)
        taken += seqs(rows)
        for row in rows:
            second.delivered(row)
    assert taken == list(range(1, 1801))
    assert second.statistics().pending == 0


def test_the_putter_never_waits_for_the_disk(tmp_path: Path) -> None:
    outbox = Outbox(OutboxSettings(path=str(tmp_path / "outbox.db")), SteppedClock())
    for number in range(1, 10_011):  # nobody stores: the writer thread does not run
        outbox.put("expression", "S1", number, b"", number)
    assert outbox.statistics().lost == 10
    outbox.close()


def test_a_full_outbox_loses_the_oldest_and_counts_them(open_outbox: Callable[..., Outbox]) -> None:
    outbox = open_outbox(max_rows=100)
    outbox.remember(StoredSession("S1", 0, clock_synced=True, lost=0))
    put(outbox, *range(1, 151))
    wait_until(lambda: outbox.statistics().lost >= 50, what="trimming")
    wait_until(lambda: outbox.statistics().pending + outbox.statistics().lost == 150, what="the last row")
    lost = outbox.statistics().lost
    assert lost in {50, 51}  # as the rows fell into commits, the last one may still have found room
    assert seqs(take(outbox))[0] == lost + 1
    assert outbox.sessions()[0].lost == lost


def test_delivered_events_make_room_before_any_is_lost(open_outbox: Callable[..., Outbox]) -> None:
    outbox = open_outbox(max_rows=100)
    put(outbox, *range(1, 91))
    for row in take(outbox, 50):
        outbox.delivered(row)
    put(outbox, *range(91, 141))
    wait_until(lambda: outbox.statistics().pending == 90, what="storing")
    assert outbox.statistics().lost == 0


def test_bytes_are_bounded_too(open_outbox: Callable[..., Outbox]) -> None:
    outbox = open_outbox(max_mb=1)
    for number in range(1, 21):
        outbox.put("expression", "S1", number, b"x" * 100_000, number)
    assert outbox.flush(10)
    wait_until(lambda: outbox.statistics().kept_bytes <= 1_000_000, what="trimming")
    assert outbox.statistics().lost == 11


def test_stored_events_can_be_asked_for_again(open_outbox: Callable[..., Outbox]) -> None:
    outbox = open_outbox()
    put(outbox, 1, 2, 3, 4)
    for row in outbox.take(4):
        outbox.delivered(row)
    assert outbox.take(1) == []
    assert ask(outbox, ResendRange("S1", "expression", 2, 3)) == ResendAnswer(2, (), None)
    again = outbox.take(10)
    assert [(row.seq, row.payload, row.resent) for row in again] == [(2, b"2", True), (3, b"3", True)]
    for row in again:
        outbox.delivered(row)
    statistics = outbox.statistics()
    assert (statistics.delivered["expression"], statistics.resent, statistics.pending) == (4, 2, 0)


def test_the_answer_names_what_is_no_longer_held(open_outbox: Callable[..., Outbox]) -> None:
    outbox = open_outbox()
    put(outbox, 3, 4, 7)
    assert ask(outbox, ResendRange("S1", "expression", 1, 9)).missing == ((1, 2), (5, 6), (8, 9))
    assert ask(outbox, ResendRange("S0", "expression", 1, 9)) == ResendAnswer(0, ((1, 9),), None)


def test_nothing_is_called_gone_that_lies_on_a_disk_which_does_not_answer(tmp_path: Path) -> None:
    settings = OutboxSettings(path=str(tmp_path / "disk" / "outbox.db"), commit_s=0.0)
    before = Outbox(settings, SteppedClock())
    before.start()
    put(before, 1, 2)
    before.close()
    (tmp_path / "disk").rename(tmp_path / "unplugged")
    (tmp_path / "disk").write_text("in the way")
    outbox = Outbox(settings, SteppedClock(), retry_disk_s=0.05)
    outbox.start()
    put(outbox, 1, session="S2")
    unanswered = request(outbox, ResendRange("S1", "expression", 1, 3))
    in_memory = ask(outbox, ResendRange("S2", "expression", 1, 1))
    (tmp_path / "disk").unlink()
    (tmp_path / "unplugged").rename(tmp_path / "disk")
    wait_until(lambda: outbox.statistics().storage == "disk", what="the disk")
    answered = ask(outbox, ResendRange("S1", "expression", 1, 3))
    outbox.close()
    assert unanswered == Rejected("the disk with the events does not answer; ask later")
    assert in_memory == ResendAnswer(1, (), None)
    assert answered == ResendAnswer(2, ((3, 3),), None)


def test_a_long_request_is_answered_in_parts(open_outbox: Callable[..., Outbox]) -> None:
    outbox = open_outbox()
    put(outbox, *range(1, RESEND_LIMIT + 11))
    assert ask(outbox, ResendRange("S1", "expression", 5, 10**9)) == ResendAnswer(RESEND_LIMIT, (), RESEND_LIMIT + 5)


def test_requests_cannot_fill_the_memory(open_outbox: Callable[..., Outbox]) -> None:
    outbox = open_outbox()
    put(outbox, *range(1, RESEND_LIMIT + 1))
    answers = [request(outbox, ResendRange("S1", "expression", 1, RESEND_LIMIT)) for _ in range(6)]
    assert [isinstance(answer, Rejected) for answer in answers] == [False, False, False, False, True, True]


def test_delivered_events_expire_after_their_retention(open_outbox: Callable[..., Outbox]) -> None:
    clock = SteppedClock()
    first = open_outbox(clock)
    put(first, 1, 2)
    first.delivered(first.take(1)[0])
    first.close()
    clock.advance(25 * 3600.0)
    second = open_outbox(clock, keep_delivered_h=24.0)
    assert ask(second, ResendRange("S1", "expression", 1, 2)).missing == ((1, 1),)


def test_a_clock_that_is_set_makes_nothing_older(open_outbox: Callable[..., Outbox]) -> None:
    clock = SteppedClock()
    first = open_outbox(clock)
    put(first, 1)
    first.delivered(first.take(1)[0])
    put(first, 2)
    clock.step_wall_to(clock.wall() + 400 * 86400.0)
    put(first, 3)
    first.close()
    second = open_outbox(clock, keep_delivered_h=24.0)
    assert ask(second, ResendRange("S1", "expression", 1, 3)).missing == ()


def test_nothing_expires_by_a_clock_that_nobody_has_set(open_outbox: Callable[..., Outbox]) -> None:
    first = open_outbox(SteppedClock())
    put(first, 1)
    first.delivered(first.take(1)[0])
    first.close()
    ahead = SteppedClock(wall=2_000_000_000.0, synced=False)
    second = open_outbox(ahead, keep_delivered_h=24.0)
    assert ask(second, ResendRange("S1", "expression", 1, 1)).missing == ()


@pytest.mark.parametrize("wrong", [1_500_000_000.0, 2_000_000_000.0])
def test_what_was_delivered_under_a_wrong_clock_can_be_asked_for_after_a_start_with_the_right_one(
    open_outbox: Callable[..., Outbox], wrong: float
) -> None:
    first = open_outbox(SteppedClock(wall=wrong, synced=False), keep_delivered_h=24.0)
    put(first, 1)
    first.delivered(first.take(1)[0])
    first.close()
    second = open_outbox(SteppedClock(), keep_delivered_h=24.0)
    assert ask(second, ResendRange("S1", "expression", 1, 1)).missing == ()


def test_the_last_delivered_number_is_known_also_after_a_restart(open_outbox: Callable[..., Outbox]) -> None:
    first = open_outbox()
    put(first, 1, 2, 3)
    for row in first.take(2):
        first.delivered(row)
    assert first.last_delivered("S1") == {"expression": 2}
    first.close()
    assert open_outbox().last_delivered("S1") == {"expression": 2}


def test_whoever_sends_is_notified_when_there_is_something(tmp_path: Path) -> None:
    ready = threading.Event()
    outbox = Outbox(OutboxSettings(path=str(tmp_path / "outbox.db")), SteppedClock(), on_ready=ready.set)
    outbox.start()
    put(outbox, 1)
    assert ready.wait(10)
    outbox.close()


def test_a_file_that_another_agent_still_holds_is_taken_over_with_what_is_in_it(
    open_outbox: Callable[..., Outbox], tmp_path: Path
) -> None:
    first = open_outbox()
    put(first, 1, 2, 3)
    first.delivered(first.take(1)[0])
    first.remember(StoredSession("S1", 0, clock_synced=True, lost=0))
    second = Outbox(OutboxSettings(path=str(tmp_path / "outbox.db")), SteppedClock(), retry_disk_s=0.05)
    second.start()
    put(second, 1, 2, session="S2")
    for row in second.take(1):
        second.delivered(row)
    assert second.statistics().storage == "degraded"
    first.close()
    wait_until(lambda: second.statistics().pending == 3, what="taking over")
    assert second.statistics().storage == "disk"
    assert [(row.session, row.seq) for row in take(second)] == [("S1", 2), ("S1", 3), ("S2", 2)]
    assert [session.id for session in second.sessions()] == ["S1"]
    assert second.last_delivered("S1") == {"expression": 1}
    second.close()


def test_what_may_no_longer_be_sent_is_deleted_even_if_it_comes_to_light_later(tmp_path: Path) -> None:
    def opened(**more: Any) -> Outbox:
        outbox = Outbox(OutboxSettings(path=str(tmp_path / "disk" / "outbox.db"), commit_s=0.0), SteppedClock(), **more)
        outbox.start()
        return outbox

    (tmp_path / "disk").mkdir()
    before = opened()
    put(before, 1, 2)
    put(before, 3, topic="summary")
    before.close()
    (tmp_path / "disk").rename(tmp_path / "unplugged")
    (tmp_path / "disk").write_text("in the way")
    outbox = opened(forbidden_topics=("expression",), retry_disk_s=0.05)
    assert isinstance(request(outbox, ResendRange("S1", "expression", 1, 2)), Rejected)
    unanswered = request(outbox, ResendRange("S1", "summary", 3, 3))
    assert isinstance(unanswered, Rejected)
    assert "does not answer; ask later" in unanswered.reason
    (tmp_path / "disk").unlink()
    (tmp_path / "unplugged").rename(tmp_path / "disk")
    assert [(row.topic, row.seq) for row in take(outbox)] == [("summary", 3)]
    assert ask(outbox, ResendRange("S1", "expression", 1, 2)) == ResendAnswer(0, ((1, 2),), None)
    outbox.close()
    after = opened()
    assert ask(after, ResendRange("S1", "expression", 1, 2)).count == 0
    after.close()


def test_without_a_path_events_wait_in_memory(open_outbox: Callable[..., Outbox]) -> None:
    outbox = open_outbox(path="")
    put(outbox, 1, 2)
    assert outbox.statistics().storage == "memory"
    assert seqs(outbox.take(2)) == [1, 2]
