"""Closing the camera from afar, through restarts of agent and broker. The agents run in this process."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge_agent.app import Agent
from edge_agent.config import CameraSettings, DetectorSettings, DeviceSettings, MqttSettings, OutboxSettings, Settings
from edge_agent.vision.camera import CameraState
from tests.support.broker import Mosquitto, Subscriber, running_mosquitto, wait_until
from tests.support.running import running

DESIRED = "classroom/v1/north/pi-3a/desired"
MUTED, OPEN = b'{"v":1,"muted":true}', b'{"v":1,"muted":false}'


@contextmanager
def running_agent(broker: Mosquitto, folder: Path) -> Iterator[Agent]:
    settings = Settings(
        device=DeviceSettings(site="north", id="pi-3a"),
        camera=CameraSettings(source="simulated", faces=1, width_px=320, height_px=240, fps=2),
        detector=DetectorSettings(kind="haar"),
        mqtt=MqttSettings(host=broker.host, port=broker.port, health_every_s=1.0),
        outbox=OutboxSettings(path=str(folder / "state" / "outbox.db")),
    )
    (folder / "state").mkdir(exist_ok=True)
    with running(Agent(settings)) as agent:
        yield agent


def becomes(agent: Agent, state: CameraState) -> None:
    wait_until(lambda: agent.camera.state is state, what=f"a camera that is {state.value}")


def say(broker: Mosquitto, payload: bytes) -> None:
    with Subscriber(broker.port) as operator:
        operator.publish(DESIRED, payload, retain=True)


@pytest.mark.parametrize("persistence", [True, False], ids=["a broker that remembers", "a broker that forgets"])
def test_muting_survives_a_restart_of_broker_and_agent(tmp_path: Path, persistence: bool) -> None:
    config = f"persistence true\npersistence_location {tmp_path}/\n" if persistence else ""
    with running_mosquitto(tmp_path, config) as broker:
        with running_agent(broker, tmp_path) as agent:
            becomes(agent, CameraState.OK)
            say(broker, MUTED)
            becomes(agent, CameraState.MUTED)
            assert not agent.camera.device_open
            connections = agent.messenger.statistics().publisher.connections
            broker.stop()
            broker.start()
            wait_until(lambda: agent.messenger.statistics().publisher.connections > connections, what="a connection")
            with Subscriber(broker.port) as witness:
                wait_until(lambda: [report for report in witness.on("health") if not report.retained], what="a report")
                assert b'"muted":true' in witness.on("health")[-1].payload
            assert not agent.camera.device_open
        broker.stop()
        with running_agent(broker, tmp_path) as agent:
            becomes(agent, CameraState.MUTED)
            assert agent.camera.frames_read == 0
            broker.start()
            wait_until(lambda: agent.messenger.statistics().publisher.connected, what="a connection")
            becomes(agent, CameraState.MUTED)
            say(broker, b"")
            say(broker, b'{"v":1}')
            assert agent.camera.frames_read == 0
            say(broker, OPEN)
            becomes(agent, CameraState.OK)
        with running_agent(broker, tmp_path) as agent:
            becomes(agent, CameraState.OK)
    lines = (tmp_path / "state" / "audit.log").read_text().splitlines()
    assert [line.split(" ", 1)[1] for line in lines] == ["desired: muted = true", "desired: muted = false"]


def test_the_last_summary_before_a_closed_camera_says_that_no_figures_follow(tmp_path: Path) -> None:
    with running_mosquitto(tmp_path) as broker, Subscriber(broker.port) as witness, running_agent(broker, tmp_path):
        wait_until(lambda: witness.on("summary"), what="a summary")
        assert b"muted" not in witness.on("summary")[-1].payload
        witness.publish(DESIRED, MUTED, retain=True)
        wait_until(lambda: any(b'"muted":true' in m.payload for m in witness.on("summary")), what="the last summary")
        wait_until(lambda: b'"muted":true' in witness.on("health")[-1].payload, what="the report")
        last = json.loads(witness.on("summary")[-1].payload)
        assert (last["faces"], last["shares"], last["suppressed"], last["muted"]) == (None, None, True, True)


def test_a_broker_that_falls_back_to_its_past_does_not_open_the_camera(tmp_path: Path) -> None:
    config = f"persistence true\npersistence_location {tmp_path}/\n"
    with running_mosquitto(tmp_path, config) as broker, running_agent(broker, tmp_path) as agent:
        say(broker, b'{"v":1,"muted":false,"issued_at":"2026-11-22T09:00:00Z"}')
        broker.stop()
        broker.start()
        say(broker, b'{"v":1,"muted":true,"issued_at":"2026-11-22T10:00:00Z"}')
        becomes(agent, CameraState.MUTED)
        connections = agent.messenger.statistics().publisher.connections
        broker.kill()  # before it has saved what was asked for last
        broker.start()
        with Subscriber(broker.port) as witness:
            wait_until(lambda: b'"muted":false' in b"".join(m.payload for m in witness.on("desired")), what="the past")
        wait_until(lambda: agent.messenger.statistics().publisher.connections > connections, what="a connection")
        say(broker, b'{"v":1}')  # heard after the retained one
        with Subscriber(broker.port) as witness:
            wait_until(lambda: [report for report in witness.on("health") if not report.retained], what="a report")
        assert agent.camera.state is CameraState.MUTED
        say(broker, b'{"v":1,"muted":false,"issued_at":"2026-11-22T11:00:00Z"}')
        becomes(agent, CameraState.OK)


def test_what_was_asked_for_while_the_device_was_off_holds_when_it_comes_back(tmp_path: Path) -> None:
    with running_mosquitto(tmp_path) as broker:
        say(broker, MUTED)
        with running_agent(broker, tmp_path) as agent:
            becomes(agent, CameraState.MUTED)
        say(broker, OPEN)
        with running_agent(broker, tmp_path) as agent:
            becomes(agent, CameraState.OK)


def test_the_watchdog_is_fed_while_muted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager, running_mosquitto(tmp_path) as broker:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(30)
        say(broker, MUTED)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "2000000")
        with running_agent(broker, tmp_path) as agent:
            becomes(agent, CameraState.MUTED)
            frames = agent.camera.frames_read
            fed = 0
            while fed < 5:
                fed += b"WATCHDOG=1" in manager.recv(1000)
            assert agent.camera.state is CameraState.MUTED
            assert agent.camera.frames_read == frames


def test_a_request_to_close_the_camera_counts_in_a_message_that_is_malformed_elsewhere(tmp_path: Path) -> None:
    with running_mosquitto(tmp_path) as broker, running_agent(broker, tmp_path) as agent:
        becomes(agent, CameraState.OK)
        say(broker, b'{"v":1,"muted":true,"model":7}')
        becomes(agent, CameraState.MUTED)
        with Subscriber(broker.port) as witness:
            say(broker, b'{"v":1,"muted":false,"model":7}')
            wait_until(lambda: witness.on("reply"), what="the refusal")
        assert not agent.camera.device_open
        say(broker, OPEN)
        becomes(agent, CameraState.OK)
