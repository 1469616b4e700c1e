"""The real commands on malformed addresses, with a real broker: no byte that they write or send holds the secret."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from edge_agent.app import Agent
from edge_agent.config import CameraSettings, MqttSettings, OutboxSettings, PolicySettings, Settings
from tests.support.broker import Subscriber, running_mosquitto, wait_until
from tests.support.commands import edge_agent
from tests.support.malformed import MALFORMED, SECRET
from tests.support.rtsp_server import RtspServer
from tests.support.running import running

DECLARED = '[policy]\njurisdiction = "CH"\nsetting = "home"\nlegal_basis = "consent"\ndeclared_by = "Test"\n'


def write(folder: Path, text: str) -> Path:
    path = folder / "agent.toml"
    path.write_text(text, encoding="utf-8")
    return path


def silent(results: Sequence[subprocess.CompletedProcess[str]]) -> None:
    for result in results:
        assert SECRET not in result.stdout
        assert SECRET not in result.stderr
        assert "Traceback" not in result.stderr


@pytest.mark.parametrize("url", MALFORMED[::9])
def test_the_commands_refuse_a_malformed_address_alike(tmp_path: Path, url: str) -> None:
    file = write(tmp_path, f'[camera]\nsource = "rtsp"\nurl = {json.dumps(url)}\n{DECLARED}')
    results = [edge_agent(*command, file) for command in (("check",), ("run", "--config"), ("doctor", "--config"))]
    silent(results)
    assert {result.returncode for result in results} == {4}
    assert len({result.stderr for result in results}) == 1
    assert "# ? % : / @" in results[0].stderr
    assert "password_file" in results[0].stderr


@pytest.mark.parametrize(
    "text",
    [
        f'[mqtt]\nhost = "mqtt://user:{SECRET}@broker"',
        f'[mqtt]\nhost = "user:{SECRET}"',
        f'[mqtt]\nport = "mqtt://user:{SECRET}@broker:1883"',
        f'mqtt = "mqtt://user:{SECRET}@broker"',
        f'camera = "rtsp://admin:{SECRET}@cam"',
        f'[camera]\nsource = "rtsp"\nurl = ["rtsp://admin:{SECRET}@cam"]',
        f'[camera]\nsource = "video"\npath = "rtsp://admin:{SECRET}@cam/s"',
        f'[camera]\nsource = "v4l2"\npath = "rtsp://admin:{SECRET}@cam/s"',
        f'[camera]\nurl2 = "{SECRET}"',
        f'[camera]\n"rtsp://admin:{SECRET}@cam" = 1',
        f'[mqtt]\npassword = "{SECRET}"',
        f'[mqtt]\nusername = "a"\npassword_file = "{SECRET}"',
        f'[mqtt]\nusername = "a"\npassword_file = ["{SECRET}"]',
        f'[mqtt]\nroot = "user:{SECRET}@host"',
        f'[device]\nid = "user:{SECRET}@host"',
        f'[home_assistant]\nstatus_topic = "#mqtt://user:{SECRET}@host"',
        f'[metrics]\nport = 1\naddress = "http://user:{SECRET}@host"',
        f'[mqtt.tls]\nenabled = true\ncert = "a"\nkey = "-----BEGIN PRIVATE KEY-----{SECRET}"',
        f'[update]\nkey = "https://user:{SECRET}@host/key"',
        f'[classifier]\nmodel = "https://user:{SECRET}@host/model"',
        f'[outbox]\npath = "https://user:{SECRET}@host/outbox"',
        f'[classifier]\nmodel = "admin@{SECRET}@host"',
        f'[mqtt]\nhost = "mqtt://user:{SECRET}@broker',
        f"[mqtt]\nhost = mqtt://user:{SECRET}@broker",
    ],
)
def test_no_key_that_holds_a_secret_by_mistake_is_quoted(tmp_path: Path, text: str) -> None:
    camera = "" if "camera" in text else '[camera]\nsource = "simulated"\n'
    result = edge_agent("check", write(tmp_path, f"{text}\n{camera}{DECLARED}"))
    silent([result])
    assert result.returncode in (4, 5)
    assert result.stderr.startswith("error: ")


@pytest.mark.parametrize(
    "command",
    [
        ("watch", "--host", f"mqtt://user:{SECRET}@host"),
        ("fleet", "simulate", "--devices", "1", "--host", f"user:{SECRET}@host"),
        ("fleet", "init", "School", "--host", f"mqtt://user:{SECRET}@host", "--folder", "FOLDER"),
        (
            "fleet",
            "add",
            "--ssh",
            f"pi:{SECRET}@host",
            "--ssh-command",
            f"missing-ssh -p {SECRET}",
            "--folder",
            "FOLDER",
        ),
        ("fleet", "add", "--ssh", f"pi:{SECRET}@host", "--ssh-command", "false", "--folder", "FOLDER"),
        ("watch", "--port", f"mqtt://user:{SECRET}@host"),
        (f"mqtt://user:{SECRET}@host",),
        ("check", f"rtsp://admin:{SECRET}@host/s"),
        ("check", "agent.toml", f"rtsp:/admin:{SECRET}@host"),
        ("run", "--config", f"//admin:{SECRET}@host/s"),
        ("classify", f"rtsp://admin:{SECRET}@host/s"),
        ("classify", "--json", f"rtsp://admin:{SECRET}@host/s"),
        ("classify", "a.png", "--model", f"https://user:{SECRET}@host/m"),
        ("dashboard", "--broker", f"user:{SECRET}@host:1883"),
        ("dashboard", "--broker", f"mqtt://user:{SECRET}@host"),
        ("dashboard", "--host", f"http://user:{SECRET}@host"),
        ("dashboard", "--tls-cert", f"https://user:{SECRET}@host", "--tls-key", "k"),
        ("record", "--broker", f"user:{SECRET}"),
        ("export", "--from", f"postgresql://user:{SECRET}@host/x", "--to", "2026-11-23"),
        ("export", "--from", "2026-11-23", "--to", "2026-11-23", "--out", f"ftp://user:{SECRET}@host"),
        ("conformance", "--host", f"user:{SECRET}@host", "--device", "a/b"),
        ("setup", "--answers", f"http://user:{SECRET}@host/answers.toml"),
        ("enrol", f"https://user:{SECRET}@host/answer", "--config", "missing.toml"),
    ],
)
def test_no_command_quotes_an_address_with_a_secret(tmp_path: Path, command: tuple[str, ...]) -> None:
    result = edge_agent(*(str(tmp_path / "fleet") if word == "FOLDER" else word for word in command))
    silent([result])
    assert result.returncode


@pytest.mark.parametrize(
    "value", [f"https://user:{SECRET}@host/f", f"http://host/f?token={SECRET}", f"user:{SECRET}@host"]
)
def test_no_command_quotes_a_variable_with_a_secret(tmp_path: Path, value: str) -> None:
    result = edge_agent("fleet", "list", environment={"EDGE_AGENT_FLEET": value}, folder=tmp_path)
    silent([result])
    assert result.returncode


@pytest.mark.parametrize("log_level", ["", "56"])
def test_a_running_agent_and_its_retained_health_show_no_password(tmp_path: Path, log_level: str) -> None:
    """Also where the environment asks FFmpeg and OpenCV to print all they know."""
    loud = {"OPENCV_FFMPEG_LOGLEVEL": log_level, "OPENCV_FFMPEG_DEBUG": "1", "OPENCV_VIDEOIO_DEBUG": "1"}
    with (
        running_mosquitto(tmp_path) as broker,
        RtspServer(status="404 Not Found") as camera,
        Subscriber(broker.port) as subscriber,
    ):
        url = f"rtsp://admin:{SECRET}@127.0.0.1:{camera.port}/s?password={SECRET}&a=1"
        file = write(
            tmp_path,
            f'[camera]\nsource = "rtsp"\nurl = "{url}"\n[mqtt]\nhost = "127.0.0.1"\nport = {broker.port}\n'
            f'health_every_s = 1\n{DECLARED}[outbox]\npath = "{tmp_path}/outbox.db"\n[detector]\nkind = "haar"\n',
        )
        command = [sys.executable, "-m", "edge_agent.cli", "run", "--verbose", "--config", str(file)]
        environment = {**os.environ, **(loud if log_level else {})}
        with (tmp_path / "log").open("wb") as log:
            agent = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
            try:
                wait_until(
                    lambda: any(
                        b"an answer, but no pictures" in message.payload for message in subscriber.on("health")
                    ),
                    timeout_s=120,
                    what="health that names the camera's fault",
                )
            finally:
                agent.send_signal(signal.SIGINT)
                agent.wait(60)
        checking = [sys.executable, "-m", "edge_agent.cli", "doctor", "--json", "--config", str(file)]
        doctor = subprocess.run(checking, capture_output=True, text=True, timeout=200, check=False, env=environment)
        sent = b"".join(message.payload for message in subscriber.messages)
    assert SECRET.encode() not in sent
    assert SECRET.encode() not in b"".join(
        path.read_bytes() for path in tmp_path.iterdir() if path.is_file() and path != file
    )
    assert SECRET not in doctor.stdout + doctor.stderr
    assert "an answer, but no pictures" in doctor.stdout


@pytest.mark.parametrize("url", MALFORMED[::15])
def test_health_of_an_agent_put_together_without_a_check_shows_no_secret(
    tmp_path: Path, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with running_mosquitto(tmp_path) as broker, Subscriber(broker.port) as subscriber:
        agent = Agent(
            Settings(
                camera=CameraSettings(source="rtsp", url=url),
                policy=PolicySettings(jurisdiction="CH", setting="home", legal_basis="consent", declared_by="Test"),
                mqtt=MqttSettings(host="127.0.0.1", port=broker.port, health_every_s=1.0),
                outbox=OutboxSettings(path=str(tmp_path / "outbox.db")),
            )
        )
        with running(agent):
            wait_until(lambda: any(b"camera.url" in m.payload for m in subscriber.on("health")), what="health")
        sent = b"".join(message.payload for message in subscriber.messages)
    assert SECRET.encode() not in sent
    assert SECRET not in caplog.text
