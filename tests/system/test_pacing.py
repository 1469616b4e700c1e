"""How the frame rate follows the hardware's heat."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.system.hardware_status import HardwareStatus
from edge_agent.system.pacing import FrameRateLimiter, Shedding, limit_fps, shed

WELL, WARM = HardwareStatus(60.0, throttled=False), HardwareStatus(75.0, throttled=False)
HOT, THROTTLED, UNKNOWN = HardwareStatus(80.0, throttled=False), HardwareStatus(60.0, throttled=True), HardwareStatus()


def halvings(course: list[tuple[float, HardwareStatus]], full_fps: float = 10.0) -> list[int]:
    """After each of the moments, how often the rate was halved."""
    state, result = Shedding(), []
    for now, hardware in course:
        state = shed(state, hardware, full_fps, now)
        result.append(state.halvings)
    return result


@pytest.mark.parametrize("trouble", [HOT, THROTTLED, HardwareStatus(None, throttled=True), HardwareStatus(95.0, None)])
def test_the_rate_is_halved_at_once_and_again_every_ten_seconds(trouble: HardwareStatus) -> None:
    assert halvings([(0.0, WELL), (1.0, trouble), (6.0, trouble), (11.0, trouble), (21.0, trouble)]) == [0, 1, 1, 2, 3]


def test_it_never_falls_below_one_a_second() -> None:
    course = [(10.0 * step, THROTTLED) for step in range(20)]
    assert halvings(course)[-1] == 4
    assert limit_fps(Shedding(4), 10.0, None) == 1.0
    assert halvings(course, full_fps=1.0)[-1] == 0


def test_it_comes_back_one_halving_a_minute_once_the_device_is_well() -> None:
    course = [(0.0, HOT), (10.0, HOT), (20.0, WELL), (79.0, WELL), (80.0, WELL), (139.0, WELL), (140.0, WELL)]
    assert halvings(course) == [1, 2, 2, 2, 1, 1, 0]


def test_between_warm_and_hot_nothing_changes_and_the_minute_starts_anew() -> None:
    course = [(0.0, HOT), (10.0, WARM), (500.0, WARM), (510.0, WELL), (560.0, WARM), (565.0, WELL), (620.0, WELL)]
    assert halvings([*course, (625.0, WELL)]) == [1, 1, 1, 1, 1, 1, 1, 0]


def test_hardware_that_reports_nothing_sheds_nothing() -> None:
    assert halvings([(float(second), UNKNOWN) for second in range(100)]) == [0] * 100


@pytest.mark.parametrize(
    ("shedding", "busy_ms", "limit"),
    [
        (Shedding(), 5000.0, None),
        (Shedding(1), None, 5.0),
        (Shedding(1), 20.0, 5.0),
        (Shedding(1), 200.0, 3.0),
        (Shedding(2), 20.0, 2.0),
        (Shedding(1), 5000.0, 1.0),
    ],
)
def test_a_slow_processor_gets_no_more_than_leaves_it_rest(
    shedding: Shedding, busy_ms: float | None, limit: float | None
) -> None:
    assert limit_fps(shedding, 10.0, busy_ms) == limit


@given(st.lists(st.sampled_from([WELL, WARM, HOT, THROTTLED, UNKNOWN]), max_size=200), st.floats(1.0, 60.0))
def test_whatever_happens_it_does_not_flutter(course: list[HardwareStatus], full_fps: float) -> None:
    state = Shedding()
    for second, hardware in enumerate(course):
        before, state = state, shed(state, hardware, full_fps, float(second))
        assert abs(state.halvings - before.halvings) <= 1
        if state.halvings < before.halvings:
            assert second - before.changed_at >= 60
        assert full_fps / 2**state.halvings > 0.5


def simulate(hardware: HardwareStatus, busy_ms: float, seconds: float) -> list[float]:
    """When frames were looked at by a processor that needs so long for each."""
    now, looked = 0.0, []
    rate = FrameRateLimiter(10.0, lambda: hardware, now)
    while now < seconds:
        wait_s = rate.wait_s(now)
        if wait_s:
            now += wait_s
            continue
        looked.append(now)
        now += max(busy_ms / 1000, 0.1)  # a new frame comes every 100 ms
        rate.took(busy_ms, now)
    return looked


def test_frames_are_taken_at_the_reduced_rate() -> None:
    assert len(simulate(WELL, 20.0, 10.0)) == pytest.approx(100, abs=2)
    assert len(simulate(THROTTLED, 20.0, 10.0)) == pytest.approx(50, abs=3)


def test_a_processor_slowed_down_rests_between_frames() -> None:
    looked = [at for at in simulate(HOT, 300.0, 60.0) if at > 40.0]
    assert len(looked) * 0.3 <= 0.7 * 20.0 + 0.3
