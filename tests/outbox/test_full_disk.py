"""The outbox on a disk that fills up, for real."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.config import OutboxSettings
from edge_agent.outbox.outbox import Outbox
from tests.support.broker import wait_until
from tests.support.clocks import SteppedClock
from tests.support.full_disk import small_file_system


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    with small_file_system(tmp_path / "disk", "1m") as folder:
        yield folder


def fill(file: Path) -> None:
    with pytest.raises(OSError, match="No space left"):
        file.write_bytes(b"\0" * 2_000_000)


def test_a_full_disk_costs_durability_and_no_event_and_the_outbox_recovers_by_itself(
    small_disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = OutboxSettings(path=str(small_disk / "outbox.db"), commit_s=0.0)
    outbox = Outbox(settings, SteppedClock(), retry_disk_s=0.05)
    outbox.start()
    outbox.put("expression", "S1", 1, b"x" * 500, 1)
    assert outbox.flush(10)
    fill(small_disk / "filler")
    for seq in range(2, 402):
        outbox.put("expression", "S1", seq, b"x" * 500, seq)
    assert outbox.flush(10)
    assert outbox.statistics().storage == "degraded"
    for row in outbox.take(100):
        outbox.delivered(row)
    (small_disk / "filler").unlink()
    wait_until(lambda: outbox.statistics().storage == "disk", what="recovery")
    rest = outbox.take(1000)
    assert [row.seq for row in rest] == list(range(101, 402))
    outbox.put_back(rest)
    outbox.close()
    again = Outbox(settings, SteppedClock())
    assert (again.statistics().pending, again.statistics().lost) == (301, 0)
    again.close()
    assert len(caplog.records) == 2
    assert "the disk is full; events wait in memory" in caplog.text
    assert "works again" in caplog.text
