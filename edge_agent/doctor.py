"""Does this device work? Every check does the real thing once and says what to do where it fails."""

from __future__ import annotations

import importlib.util
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import numpy as np

from edge_agent import __version__
from edge_agent.aim import look_once
from edge_agent.clock import clock_synced
from edge_agent.config import Settings
from edge_agent.device.probe import probe_broker
from edge_agent.errors import AgentError, CheckFailed
from edge_agent.model_format.crop import to_face_tensor
from edge_agent.outbox.examination import examine_outbox
from edge_agent.outbox.store import StoreError
from edge_agent.privacy.policy import permit
from edge_agent.required_files import check_required_files
from edge_agent.simulate import SimulatedClassroom, draw_face
from edge_agent.system.service_user import User
from edge_agent.system.status_led import StatusLed
from edge_agent.types import Frame
from edge_agent.update.source import model_source
from edge_agent.vision.aiming import advice, sizes
from edge_agent.vision.camera import Camera, CameraState
from edge_agent.vision.classifier import Classifier
from edge_agent.vision.detector import detector_note, open_detector
from edge_agent.vision.orientation import rotation_note

_FREE_MB = 200
_CAMERA_WAIT_S = 15.0


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check.

    Attributes:
        check: What was checked.
        ok: Whether it works.
        detail: What was found; where it does not work, the cause and the remedy.
        fatal: Whether the agent cannot do its work like this.
    """

    check: str
    ok: bool
    detail: str
    fatal: bool = True


def examine(settings: Settings, *, preflight: bool, user: User | None = None) -> Iterator[Finding]:
    """Run all checks one after the other.

    Args:
        settings: What the agent would run with.
        preflight: Leave out what can only be true once camera and broker are configured.
        user: Who has to read the files that the settings name; ``None`` for who asks.
    """
    yield _attempt("python", _python)
    yield _attempt("model", lambda: _model(settings))
    yield _attempt("detector", lambda: _detector(settings))
    yield _attempt("storage", lambda: _storage(settings))
    if preflight:
        return
    yield _attempt("files", lambda: _files(settings, user))
    yield _attempt("clock", _clock, fatal=False)
    if settings.led.name:
        yield _attempt("light", StatusLed(settings.led.name).examine, fatal=False)
    policy = _attempt("policy", lambda: _policy(settings))
    yield policy
    if policy.ok:
        frames: list[Frame] = []
        yield _attempt("camera", lambda: _camera(settings, frames))
        if frames:
            yield _attempt("faces", lambda: _faces(settings, frames[0]), fatal=False)
    if settings.mqtt.tls.enabled:
        yield _attempt("certificates", lambda: _certificates(settings))
    yield _attempt("broker", lambda: probe_broker(settings))


def _attempt(name: str, check: Callable[[], str], *, fatal: bool = True) -> Finding:
    try:
        return Finding(name, ok=True, detail=check())
    except AgentError as error:
        return Finding(name, ok=False, detail=str(error), fatal=fatal)


def _python() -> str:
    version = ".".join(map(str, sys.version_info[:3]))
    return f"Python {version}, edge-agent {__version__}"


def _model(settings: Settings) -> str:
    source = model_source(settings)
    chosen = settings.classifier
    classifier = Classifier.load(source.path, runtime=chosen.runtime, threads=chosen.threads, prior=chosen.prior)
    face = to_face_tensor(draw_face("happy", 1.0, seed=1, side_px=96).image, classifier.channels)
    batch = np.stack([face] * 8)
    classifier.predict(batch)
    began = time.perf_counter()
    classifier.predict(batch)
    each_ms = (time.perf_counter() - began) * 1000.0 / len(batch)
    model = f"{classifier.model_id} ({classifier.metadata.name}), {source}"
    return f"{model}; with {classifier.runtime_name}, {each_ms:.2f} ms a face; prior {classifier.prior}"


def _detector(settings: Settings) -> str:
    detector = open_detector(settings.detector)
    image = SimulatedClassroom(6, 1280, 720, seed=1).render(2.0)
    began = time.perf_counter()
    found = len(detector.detect(image))
    taken_ms = (time.perf_counter() - began) * 1000.0
    if not found:
        raise CheckFailed(
            f"{detector.name} on six drawn faces",
            received="none found",
            expected="most of them",
            remedy="Reinstall opencv-python-headless",
        )
    note = detector_note(settings.detector, detector.name)
    return f"{detector.name} found {found} of 6 drawn faces in {taken_ms:.0f} ms" + (f". {note}" if note else "")


def _storage(settings: Settings) -> str:
    if not settings.outbox.path:
        return "events wait in memory: [outbox] has no path, so a power cut loses those that wait"
    folder = Path(settings.outbox.path).parent
    if not folder.is_dir():
        raise CheckFailed(f"{folder}: no such folder", remedy="Create it, or set $.outbox.path")
    try:
        found = examine_outbox(Path(settings.outbox.path))
    except StoreError as error:
        raise CheckFailed(error.reason, remedy=error.remedy) from None
    free_mb = shutil.disk_usage(folder).free // 2**20
    if free_mb < _FREE_MB:
        raise CheckFailed(
            f"{folder}",
            received=f"{free_mb} MB free",
            expected=f"{_FREE_MB} MB or more",
            remedy="Make room on the disk",
        )
    return f"{found}, {free_mb} MB free"


def _files(settings: Settings, user: User | None) -> str:
    found = check_required_files(settings, user=user)
    return f"there and readable: {', '.join(found)}" if found else "the settings name none"


def _clock() -> str:
    if not clock_synced():
        raise CheckFailed("the system clock is not synchronised", remedy="Check the network time service: timedatectl")
    return "synchronised"


def _certificates(settings: Settings) -> str:
    if importlib.util.find_spec("cryptography") is None:
        return "not looked at: the package cryptography is not installed"
    from edge_agent.enrol.device import examine_certificates

    return examine_certificates(settings.mqtt.tls, datetime.now(timezone.utc))


def _policy(settings: Settings) -> str:
    declaration = permit(settings.camera, settings.policy)
    if declaration is None:
        return f"{settings.camera.source}: no declaration needed"
    return f"{declaration.setting} in {declaration.jurisdiction} on the basis {declaration.legal_basis}"


def _faces(settings: Settings, frame: Frame) -> str:
    report = look_once(settings, open_detector(settings.detector), frame)
    if report.turned_by:
        raise CheckFailed(rotation_note(report.turned_by, settings.camera.rotate_deg))
    if not report.aim.faces:
        return "no face found. Is somebody there? 'edge-agent aim' shows what the camera sees, without a picture"
    return f"{sizes(report.aim.faces)}; {'. '.join(advice(report.aim))}"


def _camera(settings: Settings, frames: list[Frame]) -> str:
    led = StatusLed(settings.led.name)
    # An LED that is on belongs to an agent at work, and stays on whatever is found here.
    camera = Camera(settings.camera) if led.lit() else Camera(settings.camera, on_device=led.show)
    camera.start()
    try:
        deadline = time.monotonic() + _CAMERA_WAIT_S
        while time.monotonic() < deadline:
            frame = camera.latest(-1, 0.5)
            if frame is not None:
                frames.append(frame)
                height, width = frame.image.shape[:2]
                return f"{settings.camera.source} delivers {width}x{height} pixels"
            if camera.state in (CameraState.FAILED, CameraState.ENDED, CameraState.STALLED):
                break
        raise CheckFailed(f"camera: {camera.reason or f'no frame within {_CAMERA_WAIT_S:g} s'}")
    finally:
        camera.stop()
