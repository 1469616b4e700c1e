"""The demonstration as a user starts it."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys

import pytest

from tests.support.broker import Subscriber, free_port, wait_until

pytest.importorskip("amqtt", reason="amqtt is not installed (pip install 'classroom-edge-agent[demo]')")
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
    port = free_port()
    process = subprocess.Popen(
        [*DEMO, "--port", str(port)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    wait_until(lambda: process.poll() is not None or _listens(port), timeout_s=60, what="the embedded broker")
    try:
        with Subscriber(port, protocol="3.1.1") as subscriber:
            wait_until(lambda: subscriber.on("summary"), timeout_s=150, what="the first summary")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 0, err
    assert "drawn people seen" in out
    assert err == ""


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
