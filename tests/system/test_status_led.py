"""The camera-in-use LED, on a folder laid out like sysfs."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.app import Agent
from edge_agent.config import CameraSettings, DetectorSettings, LedSettings, MqttSettings, PolicySettings, Settings
from edge_agent.errors import CheckFailed
from edge_agent.system.status_led import StatusLed
from edge_agent.vision.camera import CameraState
from tests.support.broker import free_port, wait_until
from tests.support.rpicam_vid import install
from tests.support.running import running

NAME = "camera-in-use"


@pytest.fixture
def led(tmp_path: Path) -> Path:
    folder = tmp_path / "sys" / "class" / "leds" / NAME
    folder.mkdir(parents=True)
    for file, text in (("brightness", "0\n"), ("max_brightness", "255\n"), ("trigger", "[none] heartbeat\n")):
        (folder / file).write_text(text)
    return folder


def brightness(led: Path) -> str:
    return (led / "brightness").read_text().strip()


def test_it_is_switched_at_full_brightness(led: Path, tmp_path: Path) -> None:
    status_led = StatusLed(NAME, tmp_path / "sys")
    status_led.show(True)
    assert (brightness(led), status_led.lit()) == ("255", True)
    status_led.show(False)
    assert (brightness(led), status_led.lit()) == ("0", False)


def test_an_led_that_fails_is_logged_once_and_ends_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    status_led = StatusLed("gone", tmp_path)
    status_led.show(True)
    status_led.show(False)
    assert status_led.failing
    assert caplog.text.count("cannot be switched") == 1
    assert not list(tmp_path.iterdir())


def test_an_examination_leaves_it_as_it_is_and_names_what_there_is(led: Path, tmp_path: Path) -> None:
    (led / "brightness").write_text("7\n")
    assert "can be switched" in StatusLed(NAME, tmp_path / "sys").examine()
    assert brightness(led) == "7"
    with pytest.raises(CheckFailed, match=f"no such LED: expected one of {NAME}"):
        StatusLed("camera", tmp_path / "sys").examine()


def test_no_led_configured_is_none_touched(tmp_path: Path) -> None:
    status_led = StatusLed("", tmp_path)
    status_led.show(True)
    assert not status_led.failing


def test_an_agent_shows_it_while_its_camera_is_open_and_at_no_other_time(
    led: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, monkeypatch)
    monkeypatch.setenv("EDGE_AGENT_DATA", str(tmp_path / "data"))
    settings = Settings(
        camera=CameraSettings(source="csi", width_px=160, height_px=120, fps=30),
        detector=DetectorSettings(kind="haar"),
        policy=PolicySettings(jurisdiction="CH", setting="home", legal_basis="consent", declared_by="M. Brown"),
        mqtt=MqttSettings(port=free_port()),
        led=LedSettings(name=NAME),
    )
    (led / "brightness").write_text("255\n")  # left by a run that was killed
    agent = Agent(settings, platform=tmp_path / "sys")
    agent.camera.mute(True)
    with running(agent):
        wait_until(lambda: agent.camera.state is CameraState.MUTED, what="a muted camera")
        assert brightness(led) == "0"
        agent.camera.mute(False)
        wait_until(lambda: agent.camera.state is CameraState.OK, what="a camera that delivers")
        assert brightness(led) == "255"
        agent.camera.mute(True)
        wait_until(lambda: agent.camera.state is CameraState.MUTED, what="a muted camera")
        assert brightness(led) == "0"
        agent.camera.mute(False)
        wait_until(lambda: agent.camera.state is CameraState.OK, what="a camera that delivers")
    assert brightness(led) == "0"
