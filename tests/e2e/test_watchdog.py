"""What a service manager hears of a whole agent whose threads really stand still. The agents run in this process."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from edge_agent.app import Agent
from edge_agent.config import (
    CameraSettings,
    DetectorSettings,
    DeviceSettings,
    MqttSettings,
    OutboxSettings,
    PolicySettings,
    Settings,
)
from edge_agent.system.sd_notify import WATCHDOG
from tests.support.broker import Subscriber, free_port, running_mosquitto, wait_until
from tests.support.running import running

PERIOD_S = 3.0
DRAWN = CameraSettings(source="simulated", faces=1, width_px=160, height_px=120, fps=2)
GONE = CameraSettings(source="v4l2", path="/dev/video97")
DECLARED = PolicySettings(jurisdiction="CH", setting="other", legal_basis="consent", declared_by="the tests")


class Manager:
    """A service manager's socket."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener

    def receive(self, within_s: float) -> str | None:
        """The next datagram, or ``None`` where none comes in time."""
        self._listener.settimeout(within_s)
        try:
            return self._listener.recv(1000).decode()
        except TimeoutError:
            return None

    def until_silent(self) -> list[str]:
        """All that comes until nothing has come for more than a period of the watchdog."""
        heard: list[str] = []
        deadline = time.monotonic() + 60
        while (states := self.receive(1.2 * PERIOD_S)) is not None:
            heard.append(states)
            if time.monotonic() > deadline:
                pytest.fail(f"it goes on being fed: {heard[-5:]}")
        return heard

    def fed(self, times: int) -> None:
        """Wait until the watchdog has been fed so often."""
        deadline = time.monotonic() + 60
        while times:
            assert time.monotonic() < deadline, "it is not fed"
            times -= WATCHDOG in (self.receive(1.0) or "").splitlines()


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Manager]:
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as listener:
        listener.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", str(round(PERIOD_S * 1e6)))
        yield Manager(listener)


@contextmanager
def running_agent(folder: Path, port: int, camera: CameraSettings = DRAWN) -> Iterator[Agent]:
    """An agent on hardware that reports the temperature in ``folder``."""
    settings = Settings(
        device=DeviceSettings(site="north", id="pi-3a"),
        camera=camera,
        detector=DetectorSettings(kind="haar"),
        policy=DECLARED,
        mqtt=MqttSettings(host="127.0.0.1", port=port, health_every_s=1.0),
        outbox=OutboxSettings(path=str(folder / "outbox.db")),
    )
    with running(Agent(settings, platform=folder)) as agent:
        yield agent


def test_a_perception_that_stands_still_is_not_covered_up(manager: Manager, tmp_path: Path) -> None:
    zone = tmp_path / "class/thermal/thermal_zone0"
    zone.mkdir(parents=True)
    (zone / "type").write_text("cpu-thermal\n")
    (zone / "temp").write_text("40000\n")
    with running_agent(tmp_path, free_port()):
        manager.fed(2)
        # A sensor that hangs: who reads it waits until somebody writes.
        hanging = tmp_path / "hanging"
        os.mkfifo(hanging)
        os.link(hanging, zone / "new")
        (zone / "new").replace(zone / "temp")
        try:
            manager.until_silent()
        finally:
            (zone / "well").write_text("40000\n")
            (zone / "well").replace(zone / "temp")
            with os.fdopen(os.open(hanging, os.O_RDWR), "wb") as sensor:
                sensor.write(b"40000\n")
        manager.fed(2)


def test_a_publisher_that_stands_still_is_not_covered_up(manager: Manager, tmp_path: Path) -> None:
    with running_mosquitto(tmp_path) as broker, running_agent(tmp_path, broker.port) as agent:
        wait_until(lambda: agent.messenger.statistics().publisher.connected, what="a connection")
        manager.fed(2)
        # A disk that hangs: who writes to the log waits until somebody reads it.
        os.mkfifo(tmp_path / "audit.log")
        with Subscriber(broker.port) as operator:
            operator.publish("classroom/v1/north/pi-3a/desired", b'{"v":1,"muted":true}', retain=True)
        try:
            heard = manager.until_silent()
        finally:
            reader = os.open(tmp_path / "audit.log", os.O_RDONLY | os.O_NONBLOCK)
        with os.fdopen(reader, "rb"):
            manager.fed(2)
        assert "STATUS=stands still: publisher" in "\n".join(heard).splitlines()


def test_an_agent_without_camera_and_broker_turns_and_is_fed(manager: Manager, tmp_path: Path) -> None:
    with running_agent(tmp_path, free_port(), GONE) as agent:
        manager.fed(4)
        assert agent.camera.frames_read == 0
