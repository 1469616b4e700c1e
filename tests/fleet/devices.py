"""Agents in processes of their own at a school's broker, and what their retained status says."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import msgspec
import pytest

from edge_agent.mqtt.connection import Connection
from edge_agent.mqtt.events import Received
from edge_agent.protocol.messages import ModelUpdate, Status
from edge_agent.protocol.topics import Topics
from fleet.broker_connection import publish
from tests.fleet.conftest import DeviceFiles, SchoolUnderTest

_TIMEOUT_S: Final = 600.0
"""For a busy machine: a validation alone takes some seconds of processor time at a low priority."""
_VERDICTS: Final = ("refused", "failed", "rolled_back", "current")
"""States that none but a new publication or a new session follows, as far as a test waits."""


def enrolled_with_camera(school: SchoolUnderTest, name: str, probation_s: float = 600.0, fps: int = 5) -> DeviceFiles:
    """An enrolled device with a simulated camera."""
    files = school.enrol(name)
    text = files.config.read_text()
    for old, new in (
        ('source = "v4l2"', f'source = "simulated"\nfaces = 4\nseed = 3\nstall_s = 60\nfps = {fps}'),
        ("width_px = 1280", "width_px = 480"),
        ("height_px = 720", "height_px = 360"),
        ("\nfps = 10", ""),
        ("[update]", f"[update]\nprobation_s = {probation_s}"),
        ('level = "summary"', 'level = "faces"'),
        ("/var/lib/edge-agent/outbox.db", str(files.config.with_name("outbox.db"))),
    ):
        assert old in text
        text = text.replace(old, new)
    files.config.write_text(text + '\n[detector]\nkind = "haar"\n')
    return files


class RunningAgent:
    """``edge-agent run`` in a process of its own."""

    def __init__(self, files: DeviceFiles) -> None:
        self.log = files.config.with_name("agent.log")
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "edge_agent.cli", "run", "--config", str(files.config)]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)

    def kill(self) -> None:
        """``kill -9``: it ends unexpectedly."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """End it in good order."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(60) == 0, self.log.read_text()


@contextlib.contextmanager
def agent_of(files: DeviceFiles) -> Iterator[RunningAgent]:
    """An agent that is ended with the block."""
    agent = RunningAgent(files)
    try:
        yield agent
    finally:
        if agent.process.poll() is None:
            agent.stop()
    assert "Traceback" not in agent.log.read_text(), agent.log.read_text()


class StatusLog:
    """What every device's retained status says, seen by the operator."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._connection.subscribe([Topics("classroom", "+", "+").of("status")])
        self.history: dict[str, list[Status]] = {}
        self._waited_for: dict[str, int] = {}

    def put(self, topic: str, payload: bytes) -> None:
        """Publish something retained; empty bytes take it away."""
        publish(self._connection, topic, payload)

    def read_retained(self, topic: str) -> bytes:
        """What the broker holds under a topic."""
        self._connection.subscribe([topic])
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            for message in self._connection.poll(0.05):
                if isinstance(message, Received) and message.topic == topic:
                    return message.payload
        pytest.fail(f"nothing is retained under {topic}")

    def wait(self, device: str, state: str, after: str = "") -> Status:
        """Wait for a status after the one waited for before: of a device that is online, in a later session than
        ``after``, with its model's update in this state. One that has passed by meanwhile counts; another
        verdict fails.
        """
        deadline = time.monotonic() + _TIMEOUT_S
        while time.monotonic() < deadline:
            self._listen()
            statuses = self.history.get(device, [])
            for number in range(self._waited_for.get(device, 0), len(statuses)):
                status, update = statuses[number], statuses[number].model_update
                if status.state != "online" or not isinstance(update, ModelUpdate) or status.session <= after:
                    continue
                if update.state == state:
                    self._waited_for[device] = number + 1
                    return status
                assert update.state not in _VERDICTS, f"{device}: expected {state}, got {update}"
        pytest.fail(f"{device}: expected {state}, got {[s.model_update for s in self.history.get(device, [])]}")

    def _listen(self) -> None:
        for message in self._connection.poll(0.05):
            if isinstance(message, Received) and message.payload and message.topic.endswith("/status"):
                name = message.topic.split("/")[3]
                self.history.setdefault(name, []).append(msgspec.json.decode(message.payload, type=Status))


@contextlib.contextmanager
def status_log_of(school: SchoolUnderTest) -> Iterator[StatusLog]:
    """The operator's view."""
    connection = Connection(replace(school.account(), username="operator"), "status-log")
    try:
        yield StatusLog(connection)
    finally:
        connection.close()


def bundle_file(folder: Path, content: bytes, name: str = "new.tflite") -> Path:
    """A bundle as a file."""
    path = folder / name
    path.write_bytes(content)
    return path
