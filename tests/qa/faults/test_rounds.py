"""The short form of ``make test-faults``: a handful of rounds with a fixed seed."""

from __future__ import annotations

from pathlib import Path

import pytest

from qa.faults.faults import FAULTS, Fault
from qa.faults.rig import Rig
from qa.faults.rounds import run_round
from tests.support.broker import mosquitto_path

SHORT = {
    "broker killed, it keeps nothing on disk",
    "broker restarted, with persistence",
    "connection half-open",
    "agent killed with kill -9",
    "agent stopped with a full queue",
    "outbox file damaged while at rest",
    "clock stepped both ways",
    "certificate out of date, then renewed",
}


def set_right_between_two_runs(rig: Rig) -> None:
    """A run delivers under a clock that is more than a year behind; the next one starts with the right clock."""
    rig.terminate()
    rig.set_clock_wrong(-4e7)
    rig.start()
    rig.wait_for_events(20)
    rig.fall_quiet()
    rig.wait_until_delivered()
    rig.terminate()
    rig.set_clock_wrong(0.0)
    rig.start()


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault.name in SHORT], ids=lambda fault: fault.name)
def test_nothing_accepted_is_lost(fault: Fault, tmp_path: Path) -> None:
    if mosquitto_path() is None:
        pytest.skip("Mosquitto is not installed (Debian: apt install mosquitto mosquitto-clients)")
    outcome = run_round(fault, "short", tmp_path)
    assert outcome.wrong == ()
    assert outcome.client.accepted > 0


def test_a_client_that_joins_later_gets_what_was_delivered_under_a_clock_far_behind(tmp_path: Path) -> None:
    if mosquitto_path() is None:
        pytest.skip("Mosquitto is not installed (Debian: apt install mosquitto mosquitto-clients)")
    fault = Fault("clock set right between two runs", set_right_between_two_runs)
    joins_afterwards = "afterwards"
    outcome = run_round(fault, joins_afterwards, tmp_path)
    assert outcome.wrong == ()
    assert outcome.client.accepted > 20
