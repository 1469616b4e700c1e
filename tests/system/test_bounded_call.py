"""A call that may hang is waited for only so long."""

from __future__ import annotations

import threading

import pytest

from edge_agent.system.bounded_call import BoundedCall, NotInTime


def test_what_the_call_returns_comes_back() -> None:
    assert BoundedCall(lambda: "read", "reader").result(60) == "read"


def test_what_the_call_raises_is_raised_where_its_result_is_asked_for() -> None:
    def fail() -> None:
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        BoundedCall(fail, "reader").result(60)


def test_a_call_that_hangs_is_left_behind_and_may_be_asked_again() -> None:
    answered = threading.Event()
    call = BoundedCall(lambda: answered.wait(60), "reader")
    with pytest.raises(NotInTime):
        call.result(0.05)
    answered.set()
    assert call.result(60)


def test_a_timeout_of_the_call_itself_is_not_taken_for_a_late_result() -> None:
    def fail() -> None:
        raise TimeoutError("no answer from the server")

    with pytest.raises(TimeoutError, match="no answer from the server"):
        BoundedCall(fail, "reader").result(60)
