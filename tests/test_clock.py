"""Reading the machine's clocks."""

from __future__ import annotations

import time

from edge_agent.clock import SystemClock, clock_synced, utc_text


def test_times_are_written_in_utc_with_milliseconds() -> None:
    assert utc_text(1_700_000_000.123) == "2023-11-14T22:13:20.123Z"


def test_whether_the_clock_is_set_can_be_asked_on_any_machine() -> None:
    assert clock_synced() in (True, False)


def test_the_system_clock_is_the_pipelines_own() -> None:
    before = time.monotonic()
    assert before <= SystemClock().monotonic() <= time.monotonic()
