"""What an agent holds in memory: reading ``smaps``, and a real agent for a moment."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.errors import CheckFailed
from fleet.loadtest.local_broker import mosquitto_path
from qa.memory import HERE, Reading, lines_for, measure, reading

SMAPS = """\
55c5af0f7000-55c5af0f8000 r--p 00000000 fe:00 1234                       /usr/lib/one.so
Size:                 40 kB
Rss:                  40 kB
Anonymous:             0 kB
55c5af0f8000-55c5af0f9000 rw-p 00000000 fe:00 1234                       /usr/lib/one.so
Rss:                   8 kB
Anonymous:             6 kB
55c5cf735000-55c5d0735000 rw-p 00000000 00:00 0                          [heap]
Rss:                 100 kB
Anonymous:           100 kB
7f989e37d000-7f98a0000000 rw-p 00000000 00:00 0
Rss:                  50 kB
Anonymous:            50 kB
"""


def test_changed_pages_of_files_count_as_in_no_file() -> None:
    assert reading(SMAPS) == Reading(anonymous=156 * 1024, files={"one.so": 42 * 1024})
    assert reading(SMAPS).resident == 198 * 1024


def test_medians_are_printed_with_the_largest_files() -> None:
    readings = [
        Reading(90_000_000 + 10_000_000 * number, {"a.so": 20_000_000, "b.so": 5_000_000}) for number in (0, 1, 5)
    ]
    lines = lines_for("this", readings, 170_000_000, 0.125)
    assert lines[0] == (
        "this: resident 125.0 MB (115.0 to 165.0; 170.0 at the highest since the start), 12.5% of a core"
    )
    assert [line.split() for line in lines[1:]] == [
        ["in", "no", "file", "100.0"],
        ["in", "files", "25.0"],
        ["a.so", "20.0"],
        ["b.so", "5.0"],
    ]


@pytest.mark.skipif(mosquitto_path() is None, reason="no Mosquitto")
def test_an_agent_that_cannot_start_is_reported_with_its_reason(tmp_path: Path) -> None:
    with pytest.raises(CheckFailed, match=r"ended with code \d+: .*none\.onnx"):
        measure([HERE], tmp_path / "none.onnx", people=1, after_s=60.0, seconds=0.1)
