"""A demonstration from start to report."""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from rich.text import Text

from edge_agent.app import Agent
from edge_agent.client import Arrived, Expression, Notice, Summary
from edge_agent.client.follower import Follower
from edge_agent.config import CameraSettings, DetectorSettings, DeviceSettings, MqttSettings, PrivacySettings, Settings
from edge_agent.console.live_view import LiveView, View, view_for_output
from edge_agent.demo.embedded_broker import EmbeddedBroker
from edge_agent.demo.page import DemoPage
from edge_agent.demo.score import SceneScore
from edge_agent.errors import CheckFailed
from edge_agent.health.monitor import percentiles
from edge_agent.pipeline import Observation
from edge_agent.types import Frame
from edge_agent.vision.detector import detector_note
from edge_agent.vision.sources.simulated import SimulatedSource

_CONNECT_WITHIN_S = 15.0
_DELIVERY_WITHIN_S = 5.0


@dataclass(frozen=True, slots=True)
class DemoSettings:
    """The settings of a demonstration; the defaults are those of the command's options.

    Attributes:
        faces: People in the simulated classroom.
        seed: Which classroom.
        fps: Frames a second of the simulated camera.
        detector: How faces are found.
        port: Of the embedded broker; 0 takes a free one.
        page: Whether the school's page is shown, too.
        page_port: Where the page listens; 0 takes the default port, or a free one.
    """

    faces: int
    seed: int
    fps: float
    detector: Literal["auto", "haar", "yunet"]
    port: int
    page: bool
    page_port: int


@dataclass(frozen=True, slots=True)
class DemoReport:
    """What a demonstration gave.

    Attributes:
        frames: Frames that went through the pipeline.
        fps: Frames a second over the whole time.
        faces_simulated: Persons that were in the classroom.
        faces_seen: Persons among them that were tracked in at least half of the frames that showed them.
        presence_share: Share of all faces in all frames that were tracked.
        events_published: Expression and summary events accepted for sending.
        events_received: How many of them the subscriber got, duplicates not counted.
        latency_ms: From a frame's capture to its expression event at the subscriber, p50 and p95.
        recognised: By drawn expression, the share of its settled face time in which it was the published one.
        first_event_s: Seconds from the agent's start to the first expression event received; ``None`` where none came.
        detector: What found the faces.
        detector_note: What to do for a better detector; empty where all is well.
    """

    frames: int
    fps: float
    faces_simulated: int
    faces_seen: int
    presence_share: float | None
    events_published: int
    events_received: int
    latency_ms: dict[str, float | None]
    recognised: dict[str, float]
    first_event_s: float | None
    detector: str
    detector_note: str

    def as_dict(self) -> dict[str, Any]:
        """The report as one JSON object."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def as_text(self) -> str:
        """The report for a person."""
        latency = self.latency_ms["p50"]
        speed = f"{self.frames} frames at {self.fps:.1f} a second"
        return "\n".join(
            [
                speed if latency is None else f"{speed}, {latency:.0f} ms from a frame to its event (median)",
                f"{self.faces_seen} of {self.faces_simulated} drawn people seen",
                f"{self.events_received} of {self.events_published} published events received",
                "recognised: " + ", ".join(f"{name} {share:.0%}" for name, share in self.recognised.items()),
                *([f"note: {self.detector_note}"] if self.detector_note else []),
            ]
        )


@dataclass
class _Counts:
    """What the subscriber and the pipeline counted; each field is written by one thread alone."""

    frames: int = 0
    received: int = 0
    latency_ms: list[float] = field(default_factory=list)
    first_event_at: float | None = None


def run_demo(
    settings: DemoSettings,
    stop: threading.Event,
    *,
    show: bool,
    on_page: Callable[[str], None] = lambda _: None,
) -> DemoReport:
    """Run everything until ``stop`` is set.

    Args:
        settings: What kind of classroom.
        stop: Ends it.
        show: Whether to draw the live view.
        on_page: Called with the page's address once it can be opened, on another thread.

    Raises:
        BrokerError: The embedded broker cannot start.
        ModelError: The model or the detector cannot be used.
        CheckFailed: The subscriber could not connect.
    """
    counts, score, view = _Counts(), SceneScore(), view_for_output() if show else LiveView()
    with contextlib.ExitStack() as parts:
        broker = parts.enter_context(EmbeddedBroker(settings.port))
        page = parts.enter_context(DemoPage(broker.port, settings.page_port, on_page)) if settings.page else None
        agent_settings = _agent_settings(settings, broker)

        def on_notice(notice: Notice) -> None:
            view.apply(notice)
            message = notice.message if isinstance(notice, Arrived) else None
            if isinstance(message, Expression | Summary):
                counts.received += 1
                if isinstance(message, Expression):
                    counts.latency_ms.append((time.time() - _unix(message.observed_at)) * 1000.0)
                    counts.first_event_at = counts.first_event_at or time.monotonic()

        def on_frame(frame: Frame, observation: Observation) -> None:
            counts.frames += 1
            source = agent.camera.source
            if isinstance(source, SimulatedSource):
                scene_s = source.scene_time(frame.captured_at)
                score.add(source.scene.truth(scene_s), observation.faces, scene_s)

        follower = Follower(agent_settings.mqtt, on_notice)
        follower.start()
        try:
            if not follower.connected.wait(_CONNECT_WITHIN_S):
                raise CheckFailed("demo: the subscriber did not reach the embedded broker", received=follower.error)
            agent = Agent(agent_settings, on_frame)
            began = time.monotonic()
            _run_agent(agent, view, broker, page, stop, show=show)
            elapsed = time.monotonic() - began
            published = agent.messenger.statistics().outbox.accepted
            _wait_for(lambda: counts.received >= published or follower.failure is not None)
            follower.raise_failure()
        finally:
            follower.stop()
    return _report(counts, score, published, elapsed, began, agent.detector_name, agent_settings.detector)


def _run_agent(
    agent: Agent, view: View, broker: EmbeddedBroker, page: DemoPage | None, stop: threading.Event, *, show: bool
) -> None:
    if not show:
        agent.run(stop)
        return
    failure: list[BaseException] = []

    def work() -> None:
        try:
            agent.run(stop)
        except BaseException as error:  # noqa: BLE001 - raised again on the thread that waits
            failure.append(error)
            stop.set()

    thread = threading.Thread(target=work, name="agent")
    thread.start()
    subscribe = f"mosquitto_sub -h {broker.host} -p {broker.port} -V mqttv311 -v -t 'classroom/v1/#'"
    hint = [Text(f"Any other client can listen too:  {subscribe}", "dim"), Text("Ctrl-C ends", "dim")]
    view.show(stop, lambda: hint if page is None else [page.as_text(), *hint])
    thread.join()
    if failure:
        raise failure[0]


def _agent_settings(settings: DemoSettings, broker: EmbeddedBroker) -> Settings:
    return Settings(
        device=DeviceSettings(site="demo", id="simulated-1", room="the simulated classroom"),
        camera=CameraSettings(source="simulated", faces=settings.faces, seed=settings.seed, fps=settings.fps),
        detector=DetectorSettings(kind=settings.detector),
        privacy=PrivacySettings(level="faces"),
        mqtt=MqttSettings(host=broker.host, port=broker.port, protocol="3.1.1", health_every_s=2.0),
    )


def _report(
    counts: _Counts,
    score: SceneScore,
    published: int,
    elapsed: float,
    began: float,
    detector: str,
    asked: DetectorSettings,
) -> DemoReport:
    latency = percentiles(counts.latency_ms) if counts.latency_ms else None
    share = score.presence_share
    return DemoReport(
        frames=counts.frames,
        fps=round(counts.frames / elapsed, 2),
        faces_simulated=score.faces_simulated,
        faces_seen=score.faces_seen,
        presence_share=None if math.isnan(share) else round(share, 4),
        events_published=published,
        events_received=counts.received,
        latency_ms={"p50": latency.p50 if latency else None, "p95": latency.p95 if latency else None},
        recognised={name: round(share, 4) for name, share in score.recognised().items()},
        first_event_s=None if counts.first_event_at is None else round(counts.first_event_at - began, 2),
        detector=detector,
        detector_note=detector_note(asked, detector),
    )


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _DELIVERY_WITHIN_S
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)


def _unix(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
