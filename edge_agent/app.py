"""The agent put together: which parts there are, which thread does what, and how it starts and stops.

The caller's thread perceives. The camera reads on a thread of its own, and so do outbox and publisher; all that passes
between them are the latest frame, the events and a few counters.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edge_agent.clock import utc_text
from edge_agent.config import Settings
from edge_agent.device.messenger import Messenger
from edge_agent.errors import InputError
from edge_agent.health.metrics import render
from edge_agent.health.metrics_server import serving
from edge_agent.health.monitor import CameraReport, HealthMonitor
from edge_agent.pipeline import Observation, Pipeline
from edge_agent.privacy.audit import AUDIT, audit_file
from edge_agent.privacy.declarations import record
from edge_agent.privacy.mute import MuteMemory, MuteRequest
from edge_agent.privacy.policy import permit
from edge_agent.privacy.summary import SummaryWindow
from edge_agent.protocol.messages import Command, DeclarationMark, Desired
from edge_agent.system.data_folders import state_folder
from edge_agent.system.hardware_status import SYS, HardwareStatus, read_hardware_status
from edge_agent.system.pacing import FrameRate
from edge_agent.system.sd_notify import READY, STOPPING, Heartbeat, notify, watchdog_s
from edge_agent.system.status_led import StatusLed
from edge_agent.types import Frame, TrackedFace
from edge_agent.update.live import LiveModel
from edge_agent.update.messages import Choice
from edge_agent.update.probation import Turn
from edge_agent.vision.camera import Camera, CameraState
from edge_agent.vision.classifier import Classifier
from edge_agent.vision.detector import open_detector
from edge_agent.vision.smoothing import Smoother
from edge_agent.vision.tracker import Tracker, random_ids

log = logging.getLogger(__name__)

_FRAME_WAIT_S = 0.25
"""How long perception waits for a frame before it lets time pass without one."""

Observer = Callable[[Frame, Observation], None]


class Agent:
    """One device at work.

    Args:
        settings: Everything it is told.
        observer: Also told of every frame and what it gave; for demos and tests that know the truth.
        platform: Root of sysfs, where the board tells how it is.

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
        self._least_told = settings.privacy.min_group if settings.privacy.level == "summary" else None
        self._state = state_folder(settings)
        self._mute = MuteMemory(self._state, settings.device.site, settings.device.id)
        self._health_every_s = settings.mqtt.health_every_s
        self._faces: tuple[tuple[TrackedFace, str | None], ...] = ()
        self._failure = ""
        self._model = LiveModel(settings)
        classifier = self._model.classifier
        detector = open_detector(settings.detector)
        self._light = StatusLed(settings.led.name, platform)
        self.camera = Camera(settings.camera, on_device=self._light.show)
        self.camera.mute(self._mute.muted)
        self.messenger = Messenger(
            settings,
            labels=classifier.labels,
            model_id=classifier.model_id,
            commands={"snapshot": self._snapshot},
            on_desired=self._converge,
            declaration=declaration,
            on_other=self._model.hear,
        )
        self._pipeline = Pipeline(
            detector,
            Tracker(settings.tracker, random_ids()),
            classifier,
            Smoother(classifier.labels, settings.smoothing),
            SummaryWindow(settings.summary.window_s, settings.privacy.min_group),
            settings.classifier.faces_per_frame,
            least_faces=self._least_told or 0,
        )
        log.info(
            "model %s (%s) with %s, faces by %s, camera %s",
            classifier.model_id,
            self._model.source,
            classifier.runtime_name,
            detector.name,
            settings.camera.source,
        )

    def run(self, stop: threading.Event) -> None:
        """Perceive and publish until ``stop`` is set. Cameras and brokers may come and go meanwhile."""
        with audit_file(self._state), serving(self._settings.metrics, self._metrics):
            self._model.start(self.messenger)
            self.messenger.start()
            self._light.show(False)  # an earlier run may have been killed
            self.camera.start()
            notify(READY)
            try:
                self._perceive(stop)
            finally:
                notify(STOPPING)
                self.camera.stop()
                self._light.show(False)
                self._model.stop(in_order=stop.is_set())
                self.messenger.stop()

    def _perceive(self, stop: threading.Event) -> None:
        last_index = -1
        watched_s = watchdog_s()
        heartbeat = None if watched_s is None else Heartbeat(watched_s, time.monotonic())
        health = HealthMonitor(time.monotonic(), self._least_told)
        next_report_at = time.monotonic() + min(2.0, self._health_every_s)
        told_muted = False
        rate = FrameRate(self._settings.camera.fps, self._read_board, time.monotonic())
        while not stop.is_set():
            rest_s = rate.wait_s(time.monotonic())
            frame = None if rest_s else self.camera.latest(last_index, _FRAME_WAIT_S)
            observation: Observation | None = None
            if rest_s:
                stop.wait(min(rest_s, _FRAME_WAIT_S))
            elif frame is None:
                observation = self._pipeline.without_frame(time.monotonic())
                self._publish(observation)
            else:
                last_index = frame.index
                observation = self._pipeline.step(frame)
                self._publish(observation)
                total_ms = (time.monotonic() - frame.captured_at) * 1000.0
                faces, failed = len(observation.faces), bool(observation.failure)
                health.count(observation.stage_ms, total_ms, faces, failed=failed)
                rate.took(sum(taken_ms for _, taken_ms in observation.stage_ms), time.monotonic())
                self._observer(frame, observation)
            now = time.monotonic()
            turn = Turn(observation, self.camera.frames_read, shedding=rate.limit is not None)
            other = self._model.between_frames(turn, now)
            if other is not None:
                self._go_on_with(other, now)
                self._model.taken_over()
            if heartbeat is not None:
                # Asked on this very thread, so that a wedged perception feeds nothing either.
                notify(*heartbeat.beat(now, {"publisher": self.messenger.statistics().publisher.turned_at}))
            muted = self.camera.state is CameraState.MUTED
            if now >= next_report_at or muted is not told_muted:  # who switches wants to see at once that it works
                told_muted = muted
                next_report_at = now + self._health_every_s
                failing = {"mute_not_remembered": self._mute.failing, "led_failed": self._light.failing}
                troubles = [word for word, applies in failing.items() if applies]
                board = read_hardware_status(self._platform)
                self.messenger.health(health.report(self._camera_figures(), now, board, rate.limit, troubles))

    def _read_board(self) -> HardwareStatus:
        """What frames are shed by: of a recording none is, for each of them counts."""
        return (
            HardwareStatus()
            if self._settings.camera.source in ("image", "video")
            else read_hardware_status(self._platform)
        )

    def _go_on_with(self, classifier: Classifier, now: float) -> None:
        """Let another model read faces from the next frame on."""
        smoother = Smoother(classifier.labels, self._settings.smoothing)
        for change in self._pipeline.use(classifier, smoother, now):
            self.messenger.expression(change)
        self.messenger.use_model(classifier.labels, classifier.model_id)
        log.info("model %s reads faces now", classifier.model_id)

    def _publish(self, observation: Observation) -> None:
        self._faces = observation.faces
        if observation.failure != self._failure:
            self._failure = observation.failure
            if observation.failure:
                log.error("faces cannot be read: %s", observation.failure)
        for change in observation.changes:
            self.messenger.expression(change)
        if observation.summary is not None:
            self.messenger.summary(observation.summary)

    def _camera_figures(self) -> CameraReport:
        camera = self.camera
        return CameraReport(camera.state, camera.reason, camera.frames_read, camera.frames_dropped)

    def _metrics(self) -> str:
        """The exposition for Prometheus; called on its server's thread."""
        messenger = self.messenger
        return render(messenger.session, messenger.last_health, connected=messenger.statistics().publisher.connected)

    def _snapshot(self, _command: Command) -> dict[str, Any]:
        """The faces present now, for who joins in mid-lesson; called on the messenger's thread.

        Raises:
            InputError: The privacy level does not let single faces be told.
        """
        if self._settings.privacy.level != "faces":
            raise InputError("privacy.level", received=self._settings.privacy.level, expected="faces for a snapshot")
        return {"tracks": [{"track": face.track, "expression": stable} for face, stable in self._faces]}

    def _converge(self, desired: Desired, whole: bool) -> None:
        """Become what the retained ``desired`` topic asks for; called on the messenger's thread."""
        if whole:
            self._model.hear(Choice(desired.model or ""))
        if isinstance(desired.muted, bool):
            before = self._mute.muted
            wish = MuteRequest(muted=desired.muted, issued_at=desired.issued_at or "")
            if self._mute.obey(wish):
                self.camera.mute(wish.muted)
                self._mute.keep()
            if self._mute.muted != before:
                AUDIT.info("desired: muted = %s", str(self._mute.muted).lower())


def _declare(settings: Settings) -> DeclarationMark | None:
    """Have the operator's declaration judged and noted; what may be told of it."""
    declaration, folder = permit(settings.camera, settings.policy), state_folder(settings)
    if declaration is None or folder is None:
        return None
    device = f"{settings.device.site}/{settings.device.id}"
    noted = record(declaration, device, folder, utc_text(time.time()))
    return DeclarationMark(legal_basis=noted.legal_basis, hash=noted.hash)
