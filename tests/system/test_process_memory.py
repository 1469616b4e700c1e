"""The memory that a process holds."""

from __future__ import annotations

import os

import pytest

from edge_agent.system.process_memory import resident_mb


def test_a_process_that_takes_memory_holds_more() -> None:
    before = resident_mb()
    taken = b"\1" * (64 << 20)
    after = resident_mb(os.getpid())
    assert len(taken) == 64 << 20
    assert before is not None
    assert after == pytest.approx(before + 64, abs=8)


def test_nothing_is_known_of_a_process_that_does_not_exist() -> None:
    assert resident_mb("no-such-process") is None
