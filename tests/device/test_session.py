"""Session ids and what a session counts."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.device.session import Session, is_session_id, new_session_id
from tests.support.clocks import SteppedClock

TIMES = st.integers(min_value=0, max_value=2**45)


@settings(max_examples=40)
@given(TIMES, TIMES)
def test_a_later_session_sorts_after_an_earlier_one(first_ms: int, second_ms: int) -> None:
    first, second = new_session_id(first_ms), new_session_id(second_ms)
    if first_ms < second_ms:
        assert first < second


@settings(max_examples=40)
@given(TIMES, TIMES)
def test_a_session_is_greater_than_the_one_it_follows_whatever_the_clock_says(before_ms: int, now_ms: int) -> None:
    before = new_session_id(before_ms)
    assert new_session_id(now_ms, after=before) > before


def test_sessions_of_the_same_millisecond_differ() -> None:
    assert len({new_session_id(1_700_000_000_000) for _ in range(100)}) == 100


def test_text_that_is_no_session_id_is_not_counted_up_from() -> None:
    assert new_session_id(5, after="zzzz", random_bits=lambda _bits: 0) == new_session_id(
        5, random_bits=lambda _bits: 0
    )


def test_an_id_with_no_later_one_is_not_counted_up_from() -> None:
    assert not is_session_id("Z" * 16)
    assert is_session_id(new_session_id(5, after="Z" * 16))


def test_numbers_count_from_one_within_each_topic() -> None:
    session = Session("01JD5W7T4KQ2AAAA", SteppedClock())
    assert [session.next_seq("expression"), session.next_seq("summary"), session.next_seq("expression")] == [1, 1, 2]


def test_times_follow_the_wall_clock_when_it_is_set_and_mono_ms_does_not() -> None:
    clock = SteppedClock(wall=0.0)
    session = Session("01JD5W7T4KQ2AAAA", clock)
    clock.advance(2.0)
    assert (session.utc(clock.monotonic()), session.mono_ms(clock.monotonic())) == ("1970-01-01T00:00:02.000Z", 2000)
    clock.step_wall_to(1_700_000_000.5)
    assert session.utc(clock.monotonic()) == "2023-11-14T22:13:20.500Z"
    assert session.utc(session.started) == "2023-11-14T22:13:18.500Z"
    assert session.mono_ms(clock.monotonic()) == 2000
