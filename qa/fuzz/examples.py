"""Hypothesis as the fuzzer: it changes words, numbers and lines of good inputs, and shortens what shows a fault."""

from __future__ import annotations

import signal
import time
from types import FrameType

from hypothesis import HealthCheck, given, settings
from hypothesis import seed as with_seed

from qa.fuzz.changes import changed_inputs
from qa.fuzz.targets import Target

_ROUND = 500


def search_faults(target: Target, seconds: float, *, one_input_s: float = 10) -> int:
    """Give a reader changed inputs until the time is over. Only for the main thread.

    Args:
        target: The reader.
        seconds: How long. The last inputs may need a little longer.
        one_input_s: More processor time than this for one input is a fault.

    Returns:
        The number of inputs.

    Raises:
        TimeoutError: One input took too long.
        Exception: What else the reader raised that is no refusal. Its notes show the shortest such input.
    """
    end, tried = time.monotonic() + seconds, 0

    def try_input(data: bytes) -> None:
        nonlocal tried
        tried += 1
        signal.setitimer(signal.ITIMER_PROF, one_input_s)
        try:
            target.try_input(data)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)

    def too_long(_signum: int, _frame: FrameType | None) -> None:
        raise TimeoutError(f"an input took more than {one_input_s} s")

    check = settings(max_examples=_ROUND, deadline=None, suppress_health_check=list(HealthCheck), database=None)(
        given(changed_inputs(target))(try_input)
    )
    before = signal.signal(signal.SIGPROF, too_long)
    try:
        number = time.time_ns()
        while time.monotonic() < end:
            with_seed(number)(check)()
            number += 1
    finally:
        signal.signal(signal.SIGPROF, before)
    return tried
