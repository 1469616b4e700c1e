"""The demonstration as a user starts it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import pytest

DEMO = [sys.executable, "-m", "edge_agent.cli", "demo", "--detector", "haar", "--faces", "6"]


@pytest.fixture(scope="module")
def report() -> dict[str, object]:
    result = subprocess.run(
        [*DEMO, "--seconds", "12", "--json"], capture_output=True, text=True, timeout=100, check=True
    )
    assert result.stderr == ""
    return json.loads(result.stdout)  # type: ignore[no-any-return]


def test_every_published_event_is_received(report: dict[str, object]) -> None:
    assert report["events_published"] == report["events_received"]
    assert int(str(report["events_received"])) > 0


def test_people_are_seen(report: dict[str, object]) -> None:
    assert report["faces_simulated"] == 6
    assert int(str(report["faces_seen"])) >= 5


def test_the_report_has_its_fields(report: dict[str, object]) -> None:
    assert {"frames", "fps", "latency_ms", "recognised"} <= set(report)
    assert report["latency_ms"] is not None


def test_ctrl_c_ends_it_cleanly() -> None:
    process = subprocess.Popen(DEMO, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(8)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=40)
    assert process.returncode == 0, err
    assert "drawn people seen" in out
    assert err == ""
