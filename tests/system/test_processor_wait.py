"""A busy machine is told from a device that does not answer."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge_agent.system.processor_wait import busy_note, process_age_s, processor_waits


def test_the_wait_of_each_thread_is_read_in_seconds(tmp_path: Path) -> None:
    for thread, content in (("7", "100 2500000000 3\n"), ("8", "1 2"), ("9", "")):
        (tmp_path / thread).mkdir()
        (tmp_path / thread / "schedstat").write_text(content)
    (tmp_path / "10").mkdir()
    assert processor_waits(tmp_path) == {"7": 2.5, "8": 2e-9}
    assert processor_waits(tmp_path / "nowhere") == {}


def test_this_process_has_threads() -> None:
    assert all(wait_s >= 0 for wait_s in processor_waits().values())


@pytest.mark.parametrize(
    ("before", "after", "busy"),
    [
        ({"1": 5.0}, {"1": 6.0}, False),
        ({"1": 5.0}, {"1": 9.5}, True),
        ({"1": 5.0}, {"1": 5.0, "2": 6.0}, True),
        ({}, {}, False),
    ],
)
def test_who_waited_most_of_the_time_for_the_processor_is_on_a_busy_machine(
    before: dict[str, float], after: dict[str, float], busy: bool
) -> None:
    assert ("too busy" in busy_note(before, after, 8.0)) is busy


def test_the_age_of_the_process_counts_from_its_start(tmp_path: Path) -> None:
    ticks = os.sysconf("SC_CLK_TCK")
    (tmp_path / "stat").write_text(f"7 (a) b) S {' '.join('0' * 18)} {30 * ticks} 0 0")
    (tmp_path / "uptime").write_text("32.50 60.00\n")
    assert process_age_s(tmp_path / "stat", tmp_path / "uptime") == pytest.approx(2.5)
    assert process_age_s(tmp_path / "nowhere", tmp_path / "uptime") == 0.0
    assert process_age_s() > 0.0
