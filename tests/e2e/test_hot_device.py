"""A whole agent on hardware that throttles."""

from __future__ import annotations

from pathlib import Path

from edge_agent.app import Agent
from edge_agent.config import CameraSettings, DetectorSettings, MqttSettings, Settings
from tests.support.broker import free_port, wait_until
from tests.support.running import running


def test_under_throttling_frames_are_shed_and_health_says_so(tmp_path: Path) -> None:
    flags = tmp_path / "devices/platform/soc/soc:firmware/get_throttled"
    flags.parent.mkdir(parents=True)
    flags.write_text("4\n")
    settings = Settings(
        camera=CameraSettings(source="simulated", faces=1, width_px=160, height_px=120, fps=4),
        detector=DetectorSettings(kind="haar"),
        mqtt=MqttSettings(port=free_port(), health_every_s=1.0),
    )
    looked: list[float] = []
    agent = Agent(settings, lambda frame, _seen: looked.append(frame.captured_at), platform=tmp_path)
    with running(agent):
        wait_until(lambda: len(looked) >= 8 and agent.messenger.last_health is not None, what="eight frames")
        health = agent.messenger.last_health
    assert health is not None
    assert (health.throttled, health.fps_limit) == (True, 2.0)
    assert health.problems == ("throttled", "frame_rate_reduced")
    # Four frames a second come, of which every other is looked at.
    assert (looked[7] - looked[0]) / 7 >= 0.4
