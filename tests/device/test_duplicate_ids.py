"""What the device's own status topic reports."""

from __future__ import annotations

from edge_agent.device.duplicate_ids import REMEMBERED_S, DuplicateIdDetector, StatusVerdict
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


def test_the_id_is_no_longer_in_use_twice_some_time_after_the_last_sign_of_the_other_device() -> None:
    now = 0.0
    detector = DuplicateIdDetector(lambda: now)
    assert not detector.in_use_twice
    detector.connected(MINE)
    detector.saw(online(MINE), retained=False)
    detector.saw(online(OTHER), retained=False)
    now = REMEMBERED_S - 1
    assert detector.in_use_twice
    detector.saw(online(OTHER), retained=False)  # it is known, and still there
    now += REMEMBERED_S - 1
    assert (detector.in_use_twice, detector.count) == (True, 1)
    now += 2
    assert not detector.in_use_twice


def test_a_connection_taken_away_is_a_sign_of_the_other_device_every_time() -> None:
    now = 0.0
    detector = DuplicateIdDetector(lambda: now)
    for _ in range(4):
        detector.seen()
        now += 300.0
        assert detector.in_use_twice
    now += REMEMBERED_S
    assert not detector.in_use_twice


def test_what_the_broker_kept_of_a_known_device_is_no_new_sign_of_it() -> None:
    now = 0.0
    detector = DuplicateIdDetector(lambda: now)
    detector.connected(MINE)
    detector.saw(online(MINE), retained=False)
    detector.saw(online(OTHER), retained=False)
    now = REMEMBERED_S
    detector.connected(MINE)
    detector.saw(online(OTHER), retained=True)
    assert not detector.in_use_twice
