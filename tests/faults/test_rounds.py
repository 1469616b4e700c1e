"""The short form of ``make test-faults``: a handful of rounds with a fixed seed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.broker import mosquitto_path
from tests.faults.faults import FAULTS, Fault
from tests.faults.rounds import play

SHORT = {
    "broker killed, it keeps nothing on disk",
    "broker restarted, with persistence",
    "connection half-open",
    "agent killed with kill -9",
    "agent stopped with a full queue",
    "outbox file damaged while at rest",
    "clock stepped both ways",
}


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault.name in SHORT], ids=lambda fault: fault.name)
def test_nothing_accepted_is_lost(fault: Fault, tmp_path: Path) -> None:
    if mosquitto_path() is None:
        pytest.skip("Mosquitto is not installed (Debian: apt install mosquitto mosquitto-clients)")
    outcome = play(fault, "short", tmp_path)
    assert outcome.wrong == ()
    assert outcome.client.accepted > 0
