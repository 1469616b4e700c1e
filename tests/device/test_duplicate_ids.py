"""What the device's own status topic tells it."""

from __future__ import annotations

from edge_agent.device.duplicate_ids import DuplicateIdDetector, StatusVerdict
from edge_agent.device.session import new_session_id
from edge_agent.protocol.messages import Status

FINE, WRONG, DUPLICATE, BOTH = (
    StatusVerdict(),
    StatusVerdict(wrong=True),
    StatusVerdict(duplicate=True),
    StatusVerdict(wrong=True, duplicate=True),
)
OLD, MINE, OTHER = (new_session_id(ms) for ms in (1000, 2000, 3000))


def online(session: str) -> Status:
    return Status(state="online", session=session)


def offline(session: str) -> Status:
    return Status(state="offline", session=session)


def at_work() -> DuplicateIdDetector:
    """Connected, with an earlier run known and the echo of the birth received."""
    detector = DuplicateIdDetector()
    detector.saw(offline(OLD), retained=True)
    detector.connected(MINE)
    detector.saw(online(MINE), retained=False)
    return detector


def test_before_the_first_birth_the_latest_session_is_noted_and_nothing_judged() -> None:
    detector = DuplicateIdDetector()
    assert detector.saw(online(OTHER), retained=True) == FINE
    assert detector.saw(offline("garbage"), retained=False) == FINE
    assert (detector.latest, detector.count) == (OTHER, 0)


def test_a_late_death_is_corrected() -> None:
    assert at_work().saw(offline(OLD), retained=False) == WRONG
    assert at_work().saw(offline(MINE), retained=False) == WRONG


def test_messages_queued_from_before_are_no_duplicate() -> None:
    detector = DuplicateIdDetector()
    detector.connected(MINE)
    assert detector.saw(online(OLD), retained=False) == FINE
    assert detector.saw(offline(OLD), retained=False) == FINE


def test_another_birth_while_at_work_is_a_duplicate_and_reported_once() -> None:
    detector = at_work()
    assert detector.saw(online(OTHER), retained=False) == DUPLICATE
    assert detector.saw(online(OTHER), retained=False) == FINE
    assert detector.count == 1


def test_the_death_of_a_session_nobody_here_had_is_a_duplicates_and_corrected() -> None:
    assert at_work().saw(offline(OTHER), retained=False) == BOTH


def test_what_a_duplicate_left_during_an_outage_gives_it_away() -> None:
    detector = at_work()
    detector.connected(MINE)
    assert detector.saw(offline(OTHER), retained=True) == DUPLICATE


def test_another_birth_in_place_of_ours_after_an_outage_is_a_duplicate() -> None:
    detector = at_work()
    detector.connected(MINE)
    assert detector.saw(online(OTHER), retained=True) == DUPLICATE
