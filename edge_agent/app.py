"""The agent put together: which parts there are, which thread does what, and how it starts and stops.

The caller's thread perceives. The camera reads on a thread of its own, and so do outbox and publisher; all that passes
between them are the latest frame, the events and a few counters.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from edge_agent.clock import utc_text
from edge_agent.config import Settings
from edge_agent.device.builders import ModelIdentity
from edge_agent.device.messenger import IncomingHandlers, Messenger
from edge_agent.errors import CameraError, InputError
from edge_agent.health.metrics import exposition
from edge_agent.health.metrics_server import serving_metrics
from edge_agent.health.monitor import HealthMonitor
from edge_agent.health.reporter import HealthReporter
from edge_agent.pipeline import ClassificationFailed, Observation, Pipeline
from edge_agent.privacy.audit import AUDIT, audit_file
from edge_agent.privacy.declarations import record_declaration
from edge_agent.privacy.disclosure import DisclosureControl, Secret
from edge_agent.privacy.mute import MuteMemory, MuteRequest
from edge_agent.privacy.policy import permit
from edge_agent.protocol.messages import Command, DeclarationMark, Desired
from edge_agent.system.data_folders import state_folder
from edge_agent.system.hardware_status import SYS, HardwareStatus, read_hardware_status
from edge_agent.system.pacing import FrameRateLimiter
from edge_agent.system.sd_notify import READY, STOPPING, Watchdog, notify
from edge_agent.system.status_led import StatusLed
from edge_agent.types import Frame, TrackedFace
from edge_agent.update.live import LiveModel
from edge_agent.update.messages import Choice
from edge_agent.update.probation import Turn
from edge_agent.vision.camera import Camera, CameraState, open_source
from edge_agent.vision.camera_identity import CameraMemory
from edge_agent.vision.camera_state import BLIND
from edge_agent.vision.detector import open_detector
from edge_agent.vision.orientation import OrientationWatch
from edge_agent.vision.resting_face import RestingFaces
from edge_agent.vision.smoothing import Smoother

log = logging.getLogger(__name__)

_FRAME_WAIT_S = 0.25
"""How long perception waits for a frame before it lets time pass without one."""

_MAX_HEALTH_DELAY_S = 1.0

_SETTLE_S = 10.0
"""How long the agent goes on at most after a recording has ended, until its last faces and figures are published."""

Observer = Callable[[Frame, Observation], None]


class Agent:
    """One device at work.

    Args:
        settings: All of its settings.
        observer: Also called with every frame and what it gave; for demos and tests that know the truth.
        platform: Root of sysfs, where the hardware's status is read.

    Attributes:
        detector_name: What finds faces: ``haar`` or ``yunet``.

    Raises:
        ModelError: The model, the detector's weights or the inference runtime cannot be used.
        ConfigError: The operator's declaration does not permit the camera, or a file that the settings name cannot be
            used.
    """

    def __init__(
        self,
        settings: Settings,
        observer: Observer = lambda _frame, _observation: None,
        platform: Path = SYS,
    ) -> None:
        declaration = _declare(settings)
        self._settings, self._observer, self._platform = settings, observer, platform
        self._min_reported_faces = settings.privacy.min_group if settings.privacy.level == "summary" else None
        self._state_folder = state_folder(settings)
        self._faces: tuple[tuple[TrackedFace, str | None], ...] = ()
        self._failure: ClassificationFailed | None = None
        self._mute = MuteMemory(self._state_folder, settings.device.site, settings.device.id)
        self._model = LiveModel(settings)
        classifier = self._model.classifier
        detector = open_detector(settings.detector)
        self.detector_name = detector.name
        self._led = StatusLed(settings.led.name, platform)
        memory = CameraMemory(self._state_folder, "" if declaration is None else declaration.hash)
        self.camera = Camera(settings.camera, partial(open_source, memory=memory), on_device=self._led.show)
        self.camera.mute(self._mute.muted)
        self.messenger = Messenger(
            settings,
            ModelIdentity(classifier.labels, classifier.model_id),
            handlers=IncomingHandlers({"snapshot": self._snapshot}, self._apply_desired, self._model.hear),
            declaration=declaration,
        )
        self._orientation = OrientationWatch(detector, settings.camera.rotate_deg)
        self._pipeline = Pipeline.from_settings(
            settings, detector, classifier, disclosure=self._disclosure(), min_faces=self._min_reported_faces or 0
        )
        log.info(
            "model %s (%s) with %s, prior %s, faces by %s, camera %s",
            classifier.model_id,
            self._model.source,
            classifier.runtime_name,
            classifier.prior,
            detector.name,
            settings.camera.source,
        )

    def _disclosure(self) -> DisclosureControl | None:
        """What decides about the figures of summaries where single members of the group are protected."""
        privacy = self._settings.privacy
        if not privacy.protects_members:
            return None
        return DisclosureControl(privacy.min_group, privacy.blur, privacy.hold_s, Secret(self._state_folder))

    def run(self, stop: threading.Event) -> None:
        """Perceive and publish until ``stop`` is set, or a recording has ended.

        Cameras and brokers may come and go meanwhile.

        Raises:
            CameraError: A recording cannot be read.
        """
        with audit_file(self._state_folder), serving_metrics(self._settings.metrics, self._exposition):
            self._model.start(self.messenger)
            self.messenger.start()
            self._led.show(False)  # an earlier run may have been killed
            self.camera.start()
            notify(READY)
            try:
                self._perceive(stop)
            finally:
                notify(STOPPING)
                self.camera.stop()
                self._led.show(False)
                self._model.stop(in_order=stop.is_set())
                self.messenger.stop()

    def _perceive(self, stop: threading.Event) -> None:
        """The perception loop, on the caller's thread: pace, observe, publish, and between two frames all else."""
        started_at = time.monotonic()
        limiter = FrameRateLimiter(self._settings.camera.fps, self._hardware_to_pace_by, started_at)
        watchdog = Watchdog(self._last_turns, started_at)
        monitor = HealthMonitor(started_at, self._min_reported_faces, coarse=self._settings.privacy.protects_members)
        reporter = HealthReporter(
            monitor,
            self.camera,
            problems=self._problems,
            hardware=lambda: read_hardware_status(self._platform),
            publish=self.messenger.health,
            every_s=self._settings.mqtt.health_every_s,
            now=started_at,
            delay_s=self._delay_of_health,
        )
        last_index = -1
        recording = RecordingEnd(self._settings)
        was_muted = False
        while not (stop.is_set() or recording.over):
            observation: Observation | None = None
            muted = self.camera.state is CameraState.MUTED
            if muted and not was_muted:
                self.messenger.summary(self._pipeline.close_camera(time.monotonic()))
            was_muted = muted
            pause_s = limiter.wait_s(time.monotonic())
            if pause_s:
                stop.wait(min(pause_s, _FRAME_WAIT_S))
            elif (frame := self.camera.latest(last_index, _FRAME_WAIT_S)) is None:
                observation = self._pipeline.without_frame(time.monotonic())
                self._publish(observation)
                recording.watch(self.camera, time.monotonic())
            else:
                last_index = frame.index
                blind = self.camera.state in BLIND
                if blind:
                    observation = self._pipeline.blind_frame(time.monotonic())
                else:
                    turned, judged = self._orientation.turned_by != 0, self._orientation.judged
                    observation = self._pipeline.step(frame, turned=turned, judged=judged)
                self._publish(observation)
                total_ms = (time.monotonic() - frame.captured_at) * 1000.0
                failed = observation.failure is not None
                monitor.count(observation.stage_ms, total_ms, len(observation.faces), failed=failed)
                if observation.search is not None:
                    monitor.count_search(observation.search, observation.search_cpu_ms)
                monitor.count_unread(observation.unread)
                limiter.took(sum(taken_ms for _, taken_ms in observation.stage_ms), time.monotonic())
                self._observer(frame, observation)
                self._orientation.watch(frame.image, frame.captured_at, observation.detected)
            now = time.monotonic()
            self._switch_model(Turn(observation, self.camera.frames_read, shedding=limiter.limit is not None), now)
            watchdog.feed(now)
            reporter.report_if_due(now, limiter.limit)

        if recording.over and self.camera.state is CameraState.FAILED:
            raise CameraError(self.camera.reason)

    def _delay_of_health(self) -> float:
        """How long a report waits, so that its time says nothing about frames where members are protected."""
        if not self._settings.privacy.protects_members:
            return 0.0
        return random.SystemRandom().random() * min(_MAX_HEALTH_DELAY_S, self._settings.mqtt.health_every_s / 2)

    def _publish(self, observation: Observation) -> None:
        self._faces = observation.faces
        if observation.failure != self._failure:
            self._failure = observation.failure
            if observation.failure is not None:
                log.error("faces cannot be classified: %s", observation.failure.reason)
        for change in observation.changes:
            self.messenger.expression(change)
        if observation.summary is not None:
            self.messenger.summary(observation.summary)

    def _switch_model(self, turn: Turn, now: float) -> None:
        """Let another model classify faces from the next frame on, where one has to take over."""
        classifier = self._model.between_frames(turn, now)
        if classifier is None:
            return
        smoother = Smoother(classifier.labels, self._settings.smoothing)
        resting_faces = RestingFaces(classifier.labels, self._settings.resting_face)
        for change in self._pipeline.use(classifier, resting_faces, smoother, now):
            self.messenger.expression(change)
        self.messenger.use_model(ModelIdentity(classifier.labels, classifier.model_id))
        log.info("model %s classifies faces now, prior %s", classifier.model_id, classifier.prior)
        self._model.taken_over()

    def _hardware_to_pace_by(self) -> HardwareStatus:
        """The hardware's status, by which frames are left out; of a recording none is, for each of them counts."""
        recorded = self._settings.camera.source in ("image", "video")
        return HardwareStatus() if recorded else read_hardware_status(self._platform)

    def _last_turns(self) -> Mapping[str, float]:
        """What else has to turn. Perception feeds the watchdog itself, so that a wedged one feeds nothing either."""
        return {"publisher": self.messenger.statistics().publisher.turned_at}

    def _problems(self) -> list[str]:
        """Health words for what is wrong beside camera, hardware and model."""
        problems = {
            "picture_turned": self._orientation.turned_by != 0,
            "mute_not_remembered": self._mute.failing,
            "led_failed": self._led.failing,
        }
        return [word for word, applies in problems.items() if applies]

    def _exposition(self) -> str:
        """The metrics for Prometheus; called on their server's thread."""
        messenger = self.messenger
        connected = messenger.statistics().publisher.connected
        return exposition(self._settings.device, messenger.last_health, connected=connected)

    def _snapshot(self, _command: Command) -> dict[str, Any]:
        """The faces present now, for who joins in mid-lesson; called on the messenger's thread.

        Raises:
            InputError: The privacy level does not let single faces be published.
        """
        if self._settings.privacy.level != "faces":
            raise InputError("privacy.level", received=self._settings.privacy.level, expected="faces for a snapshot")
        return {"tracks": [{"track": face.track, "expression": stable} for face, stable in self._faces]}

    def _apply_desired(self, desired: Desired, whole: bool) -> None:
        """Become what the retained ``desired`` topic asks for; called on the messenger's thread."""
        if whole:
            self._model.hear(Choice(desired.model or ""))
        if isinstance(desired.muted, bool):
            self._apply_mute(MuteRequest(muted=desired.muted, issued_at=desired.issued_at or ""))

    def _apply_mute(self, request: MuteRequest) -> None:
        before = self._mute.muted
        if self._mute.accept(request):
            self.camera.mute(request.muted)
            self._mute.save()
        if self._mute.muted != before:
            AUDIT.info("desired: muted = %s", str(self._mute.muted).lower())


class RecordingEnd:
    """Says when nothing is left to do: a recording is over, its faces are gone and its last window is closed.

    Args:
        settings: How long faces are remembered, and windows last.

    Attributes:
        over: Whether it is so.
    """

    def __init__(self, settings: Settings) -> None:
        self.over = False
        window_s = settings.summary.window_s
        published_s = 1.5 * window_s if settings.privacy.protects_members else window_s  # summaries may wait
        self._settle_s = min(max(settings.tracker.forget_s, published_s), _SETTLE_S) + _FRAME_WAIT_S
        self._ended_at: float | None = None

    def watch(self, camera: Camera, now: float) -> None:
        """Look at the camera when no frame came; ``now`` in monotonic seconds."""
        if not camera.finished:
            return
        if self._ended_at is None:
            self._ended_at = now
            log.info("the recording is over; the agent ends when the last faces and figures are published")
        self.over = camera.state is CameraState.FAILED or now - self._ended_at >= self._settle_s


def _declare(settings: Settings) -> DeclarationMark | None:
    """Have the operator's declaration checked and recorded; what may be published of it."""
    declaration, folder = permit(settings.camera, settings.policy), state_folder(settings)
    if declaration is None or folder is None:
        return None
    device = f"{settings.device.site}/{settings.device.id}"
    entry = record_declaration(declaration, device, folder, utc_text(time.time()))
    return DeclarationMark(legal_basis=entry.legal_basis, hash=entry.hash)
