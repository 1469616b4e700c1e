"""How hours in real time are judged."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from qa.real_time import RealTimeSoak, Sample, _kib

STEADY = Sample(600.0, rss_kib=100_000, pss_kib=80_000, private_kib=60_000, files=10, threads=9, fps=10.0)


def run(*samples: Sample, accepted: int = 50, arrived: int = 50) -> RealTimeSoak:
    return RealTimeSoak(samples, accepted, arrived, disturbances=3, remarks=())


def test_a_steady_run_is_right() -> None:
    assert run(*[STEADY] * 12).wrong() == []


def test_memory_that_grows_by_more_than_3_percent_is_wrong() -> None:
    grown = [replace(STEADY, private_kib=60_000 + 500 * number) for number in range(12)]
    assert run(*grown).wrong() == ["memory that is in no file grew by 8.3%"]


def test_one_high_sample_is_no_growth() -> None:
    assert run(*[STEADY] * 9, replace(STEADY, rss_kib=150_000), *[STEADY] * 2).wrong() == []


def test_open_files_and_threads_must_stay_the_same() -> None:
    assert run(STEADY, replace(STEADY, files=11, threads=10)).wrong() == ["open files: [10, 11]", "threads: [9, 10]"]


def test_an_event_that_did_not_arrive_is_wrong() -> None:
    assert run(STEADY, arrived=49).wrong() == ["1 events lost"]


def test_memory_is_read_as_the_kernel_gives_it() -> None:
    of_this_process = Path(f"/proc/{os.getpid()}")
    rss, pss = _kib(of_this_process / "status")["VmRSS"], _kib(of_this_process / "smaps_rollup")["Pss"]
    assert pss == pytest.approx(rss, rel=0.9)
