"""The agent against a real Mosquitto, with ``mosquitto_sub`` as the witness."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import pytest

from edge_agent.simulate import SimulatedClassroom
from tests.support.broker import Mosquitto, Subscriber, free_port, running_mosquitto, wait_until

DECLARED = (
    '[policy]\njurisdiction = "CH"\nsetting = "education"\nlegal_basis = "consent"\n'
    'declared_by = "M. Brown, head of school"\n'
)
Line = tuple[str, dict[str, object]]


@contextmanager
def witness(broker: Mosquitto, folder: Path) -> Iterator[Path]:
    """``mosquitto_sub`` writing everything it hears into a file, a line a message."""
    heard = folder / "heard.txt"
    command = [
        "mosquitto_sub",
        "-h",
        broker.host,
        "-p",
        str(broker.port),
        "-V",
        "5",
        "-q",
        "1",
        "-v",
        "-t",
        "classroom/#",
    ]
    with heard.open("wb") as out:
        process = subprocess.Popen(command, stdout=out)
        try:
            yield heard
        finally:
            process.terminate()
            process.wait(60)


def messages(heard: Path) -> list[Line]:
    lines = heard.read_text(encoding="utf-8").splitlines()
    return [(topic.rsplit("/", 1)[1], json.loads(payload)) for topic, payload in (line.split(" ", 1) for line in lines)]


@contextmanager
def agent(broker: Mosquitto, folder: Path, more: str) -> Iterator[subprocess.Popen[str]]:
    config = folder / "agent.toml"
    config.write_text(
        f'[device]\nsite = "north"\nid = "pi-3a"\n[detector]\nkind = "haar"\n'
        f'[mqtt]\nhost = "{broker.host}"\nport = {broker.port}\nhealth_every_s = 1\n{more}'
    )
    command = [sys.executable, "-m", "edge_agent.cli", "run", "--config", str(config)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=30)
        assert process.returncode == 0, err
        assert "Traceback" not in err


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with running_mosquitto(tmp_path) as running:
        yield running


def test_a_folder_of_pictures_becomes_events_a_stranger_receives(broker: Mosquitto, tmp_path: Path) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    cv2.imwrite(str(pictures / "class.png"), SimulatedClassroom(3, 640, 480, seed=3).render(3.0))
    camera = f'[camera]\nsource = "image"\npath = "{pictures}"\nrepeat = true\n'
    with witness(broker, tmp_path) as heard:
        with agent(broker, tmp_path, camera):
            wait_until(lambda: sum(topic == "expression" for topic, _ in messages(heard)) >= 2, 40, "two events")
        wait_until(lambda: messages(heard)[-1][0] == "status", what="the death")
    published = messages(heard)
    births = [body for topic, body in published if topic == "status"]
    events = [body for topic, body in published if topic == "expression"]
    assert [body["state"] for body in births] == ["online", "offline"]
    assert [body["seq"] for body in events] == list(range(1, len(events) + 1))
    assert {body["session"] for body in events} == {births[0]["session"]}


def test_a_recording_is_played_once_and_then_the_agent_ends(broker: Mosquitto, tmp_path: Path) -> None:
    recording = str(tmp_path / "class.avi")
    writer = cv2.VideoWriter(recording, cv2.VideoWriter.fourcc(*"MJPG"), 5, (640, 480))
    scene = SimulatedClassroom(3, 640, 480, seed=3)
    for number in range(15):
        writer.write(scene.render(3.0 + number / 5))
    writer.release()
    camera = f'[camera]\nsource = "video"\npath = "{recording}"\n[summary]\nwindow_s = 1\n[tracker]\nforget_s = 0.5\n'
    smoothing = "[smoothing]\nhold_s = 0.2\n"
    with witness(broker, tmp_path) as heard:
        with agent(broker, tmp_path, camera + smoothing) as process:
            assert process.wait(60) == 0
        wait_until(lambda: messages(heard)[-1][0] == "status", what="the death")
    published = messages(heard)
    kinds = [body["kind"] for topic, body in published if topic == "expression"]
    assert kinds.count("end") == kinds.count("start") >= 1
    cameras = [str(body["camera"]) for topic, body in published if topic == "health"]
    assert "'state': 'ended'" in cameras[-1]
    assert published[-1][1]["reason"] == "stopped"


def test_a_recording_that_cannot_be_read_ends_the_agent_with_the_reason(broker: Mosquitto, tmp_path: Path) -> None:
    (tmp_path / "broken.avi").write_bytes(b"no video" * 1000)
    camera = f'[camera]\nsource = "video"\npath = "{tmp_path / "broken.avi"}"\n'
    config = tmp_path / "agent.toml"
    config.write_text(f'[mqtt]\nhost = "{broker.host}"\nport = {broker.port}\n{camera}')
    done = subprocess.run(
        [sys.executable, "-m", "edge_agent.cli", "run", "--config", str(config)],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 6
    assert done.stderr.splitlines()[-1].startswith(f"error: {tmp_path / 'broken.avi'}: got a file in which no")
    assert "Traceback" not in done.stderr


def test_a_missing_camera_is_reported_in_health_and_does_not_end_the_agent(broker: Mosquitto, tmp_path: Path) -> None:
    camera = f'[camera]\nsource = "v4l2"\npath = "/dev/video97"\n[outbox]\npath = "{tmp_path}/outbox.db"\n'
    with witness(broker, tmp_path) as heard, agent(broker, tmp_path, camera + DECLARED) as process:

        def failing() -> list[dict[str, object]]:
            return [body for topic, body in messages(heard) if topic == "health" and "camera_failed" in str(body)]

        wait_until(failing, 40, "a health report about the camera")
        assert process.poll() is None
        assert "/dev/video97" in str(failing()[-1]["camera"])
    published = heard.read_text(encoding="utf-8")
    (entry,) = (json.loads(line) for line in (tmp_path / "declarations.jsonl").read_text().splitlines())
    births = [body for topic, body in messages(heard) if topic == "status" and body["state"] == "online"]
    assert {str(birth["declaration"]) for birth in births} == {str({"legal_basis": "consent", "hash": entry["hash"]})}
    assert "Brown" not in published
    assert entry["salt"] not in published


def test_a_live_camera_does_not_start_undeclared(tmp_path: Path) -> None:
    config = tmp_path / "agent.toml"
    config.write_text(f'[camera]\npath = "/dev/video97"\n[outbox]\npath = "{tmp_path}/outbox.db"\n')
    for command in (["run", "--config"], ["check"]):
        done = subprocess.run(
            [sys.executable, "-m", "edge_agent.cli", *command, str(config)],
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 4
        assert done.stderr.startswith(f"error: {config}: $.policy: got no jurisdiction")
        assert done.stderr.count("\n") == 1
    assert not (tmp_path / "declarations.jsonl").exists()


def test_summary_privacy_publishes_no_face(broker: Mosquitto, tmp_path: Path) -> None:
    camera = '[camera]\nsource = "simulated"\nfaces = 6\n'
    more = camera + '[privacy]\nlevel = "summary"\nmin_group = 2\n[summary]\nwindow_s = 1\n'
    with witness(broker, tmp_path) as heard, agent(broker, tmp_path, more):
        wait_until(lambda: sum(topic == "summary" for topic, _ in messages(heard)) >= 3, 40, "three summaries")
        assert not [body for topic, body in messages(heard) if topic == "expression"]


def test_of_a_small_group_nothing_is_published_anywhere(broker: Mosquitto, tmp_path: Path) -> None:
    port = free_port()
    camera = '[camera]\nsource = "simulated"\nfaces = 3\n'
    more = camera + f'[privacy]\nlevel = "summary"\n[summary]\nwindow_s = 1\n[metrics]\nport = {port}\n'
    with witness(broker, tmp_path) as heard, agent(broker, tmp_path, more), Subscriber(broker.port) as dashboard:
        wait_until(lambda: sum(topic == "health" for topic, _ in messages(heard)) >= 3, 40, "three reports")
        dashboard.publish("classroom/v1/north/pi-3a/command", b'{"v":1,"id":"s","command":"snapshot"}')
        wait_until(lambda: sum(topic == "reply" for topic, _ in messages(heard)), 40, "the reply")
        wait_until(lambda: sum(topic == "summary" for topic, _ in messages(heard)) >= 3, 40, "three summaries")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
            metrics = answer.read().decode()
    published = messages(heard)
    assert {
        str((body["faces"], body["shares"], body["suppressed"])) for topic, body in published if topic == "summary"
    } == {"(None, None, True)"}
    assert [(body["ok"], body["error"]) for topic, body in published if topic == "reply"] == [
        (False, "privacy.level: got summary, expected faces for a snapshot")
    ]
    assert {str(body["latency_ms"]) for topic, body in published if topic == "health"} == {"{}"}
    assert "edge_agent_frame_rate_hertz" in metrics
    assert "latency" not in metrics
    assert not [body for topic, body in published if topic == "expression"]
