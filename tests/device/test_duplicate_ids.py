"""What the device's own status topic tells it."""

from __future__ import annotations

from edge_agent.device.duplicate_ids import TwinWatch, Verdict
from edge_agent.device.session import new_session_id
from edge_agent.protocol.messages import Status

FINE, WRONG, TWIN, BOTH = Verdict(), Verdict(wrong=True), Verdict(twin=True), Verdict(wrong=True, twin=True)
OLD, MINE, OTHER = (new_session_id(ms) for ms in (1000, 2000, 3000))


def online(session: str) -> Status:
    return Status(state="online", session=session)


def offline(session: str) -> Status:
    return Status(state="offline", session=session)


def at_work() -> TwinWatch:
    """Connected, with an earlier run known and the echo of the birth received."""
    watch = TwinWatch()
    watch.saw(offline(OLD), retained=True)
    watch.connected(MINE)
    watch.saw(online(MINE), retained=False)
    return watch


def test_before_the_first_birth_the_latest_session_is_noted_and_nothing_judged() -> None:
    watch = TwinWatch()
    assert watch.saw(online(OTHER), retained=True) == FINE
    assert watch.saw(offline("garbage"), retained=False) == FINE
    assert (watch.latest, watch.count) == (OTHER, 0)


def test_a_late_death_is_corrected() -> None:
    assert at_work().saw(offline(OLD), retained=False) == WRONG
    assert at_work().saw(offline(MINE), retained=False) == WRONG


def test_messages_queued_from_before_are_no_twin() -> None:
    watch = TwinWatch()
    watch.connected(MINE)
    assert watch.saw(online(OLD), retained=False) == FINE
    assert watch.saw(offline(OLD), retained=False) == FINE


def test_another_birth_while_at_work_is_a_twin_and_told_once() -> None:
    watch = at_work()
    assert watch.saw(online(OTHER), retained=False) == TWIN
    assert watch.saw(online(OTHER), retained=False) == FINE
    assert watch.count == 1


def test_the_death_of_a_session_nobody_here_had_is_a_twins_and_corrected() -> None:
    assert at_work().saw(offline(OTHER), retained=False) == BOTH


def test_what_a_twin_left_during_an_outage_gives_it_away() -> None:
    watch = at_work()
    watch.connected(MINE)
    assert watch.saw(offline(OTHER), retained=True) == TWIN


def test_another_birth_in_place_of_ours_after_an_outage_is_a_twin() -> None:
    watch = at_work()
    watch.connected(MINE)
    assert watch.saw(online(OTHER), retained=True) == TWIN
