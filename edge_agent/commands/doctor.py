"""Does this device work? Every check does the real thing once and says what to do where it fails."""

from __future__ import annotations

import importlib.util
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from pathlib import Path

import numpy as np

from edge_agent import __version__
from edge_agent.addresses.parsing import STREAM_PORTS
from edge_agent.clock import clock_synced
from edge_agent.commands.aim import look_once
from edge_agent.config import Settings
from edge_agent.device.probe import probe_broker
from edge_agent.errors import AgentError, CheckFailed
from edge_agent.health.metrics_server import check_metrics
from edge_agent.model_format.crop import to_face_tensor
from edge_agent.model_format.priors import names_all_labels
from edge_agent.mqtt.endpoint import tls_context
from edge_agent.outbox.examination import examine_outbox
from edge_agent.outbox.store import StoreError
from edge_agent.privacy.audit import FILE as AUDIT_FILE
from edge_agent.privacy.declarations import FILE as DECLARATIONS_FILE
from edge_agent.privacy.mute import examine_mute_file, mute_file
from edge_agent.privacy.policy import permit
from edge_agent.required_files import check_required_files
from edge_agent.rights import this_user
from edge_agent.simulate import SimulatedClassroom, draw_face
from edge_agent.system.bounded_call import BoundedCall, NotInTime
from edge_agent.system.data_folders import state_folder
from edge_agent.system.file_checks import check_file, check_folder, check_readable
from edge_agent.system.processor_wait import busy_note, process_age_s, processor_waits
from edge_agent.system.service_user import User
from edge_agent.system.status_led import StatusLed
from edge_agent.types import Frame
from edge_agent.update.manifests import Verifier
from edge_agent.update.model_folder import STATE_FILE
from edge_agent.update.source import load_model, model_source, models_folder
from edge_agent.vision.aiming import advice, sizes
from edge_agent.vision.camera import Camera, CameraState, open_source
from edge_agent.vision.camera_identity import CameraMemory
from edge_agent.vision.detector import detector_note, open_detector
from edge_agent.vision.orientation import rotation_note

_FREE_MB = 200
WITHIN_S = 8.0
"""How long all checks may take together."""
_COMMAND_S = 9.0
_MIN_WITHIN_S = 5.0
"""How long they may take at least, however long the program took to start."""
_OF_NETWORK = "Check cable, power and address of the camera"
_OF_DEVICE = "Unplug it and plug it in again; restart the device if that does not help"


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


def time_left_s() -> float:
    """How long all checks may take, so that the command ends within ten seconds of its start."""
    return max(min(WITHIN_S, _COMMAND_S - process_age_s()), _MIN_WITHIN_S)


def read_in_time(read: Callable[[], Settings], within_s: float) -> Settings:
    """The settings, whose file may be on a disk that hangs, or be a pipe.

    Args:
        read: Reads them.
        within_s: How long it may take.

    Raises:
        CheckFailed: It took longer.
        ConfigError: They cannot be read, or say what they may not.
    """
    try:
        return BoundedCall(read, "settings").result(within_s)
    except NotInTime:
        raise CheckFailed(
            "the settings file", received="no answer", remedy="See whether the disk with it works"
        ) from None


def examine(
    settings: Settings, *, preflight: bool, user: User | None = None, within_s: float = WITHIN_S
) -> Iterator[Finding]:
    """Run all checks, and report them one after the other.

    What may wait for a disk, a device or the network runs on threads of its own from the beginning, and is left behind
    when the time is over.

    Args:
        settings: What the agent would run with.
        preflight: Leave out what can only be true once camera and broker are configured.
        user: Who has to read the files that the settings name; ``None`` for who asks.
        within_s: After so many seconds, what has not answered counts as failed.
    """
    deadline = time.monotonic() + within_s
    waiting = [_Check("storage", lambda: _storage(settings), "See 'dmesg' and whether the disk works")]
    if not preflight:
        waiting += _slow_checks(settings, user, within_s)
    python = _Check("python", _python)
    model = _Check("model", lambda: _model(settings), "See whether the disk with the model works")
    yield python.finding(deadline)
    yield model.finding(deadline)  # before the detector starts, whose work would spoil the time measured
    detector = _Check("detector", lambda: _detector(settings), "See whether the disk with its weights works")
    camera = _camera_check(settings, deadline) if not preflight else None
    yield detector.finding(deadline)
    for check in waiting:
        yield check.finding(deadline)
    if camera is not None:
        yield from camera


def _slow_checks(settings: Settings, user: User | None, within_s: float) -> Iterator[_Check]:
    """Those of what must be there beside model and camera, started."""
    yield _Check("files", lambda: _files(settings, user), "See whether the disk with the files works")
    if state_folder(settings) is not None:
        yield _Check("state", lambda: _state(settings), "See whether the disk works: sudo dmesg")
    if settings.update.key:
        yield _Check("updates", lambda: _updates(settings), "See whether the disk works: sudo dmesg")
    yield _Check("clock", _clock, fatal=False)
    if settings.led.name:
        yield _Check("light", StatusLed(settings.led.name).examine, fatal=False)
    if settings.metrics.port:
        yield _Check("metrics", lambda: check_metrics(settings.metrics), "Set metrics.port to another one")
    if settings.mqtt.tls.enabled:
        yield _Check("certificates", lambda: _certificates(settings), "See whether the disk with the files works")
    yield _Check(
        "broker",
        lambda: probe_broker(settings, within_s=0.8 * within_s),
        "Check the network, mqtt.host, and the files that [mqtt] names",
    )


def _camera_check(settings: Settings, deadline: float) -> Iterator[Finding]:
    """What is declared and, where that permits the camera, whether it gives frames. Starts at once."""
    policy = _Check("policy", lambda: _policy(settings))
    declared = policy.finding(deadline)
    camera: _Check | None = None
    frames: list[Frame] = []
    if declared.ok:
        remedy = _OF_NETWORK if settings.camera.source in STREAM_PORTS else _OF_DEVICE
        camera = _Check("camera", lambda: _camera(settings, frames, deadline - 1.0), remedy)
    return _reported(settings, declared, camera, frames, deadline)


def _reported(
    settings: Settings, declared: Finding, camera: _Check | None, frames: list[Frame], deadline: float
) -> Iterator[Finding]:
    yield declared
    if camera is None:
        return
    yield camera.finding(deadline)
    if frames:
        yield _Check("faces", lambda: _faces(settings, frames[0]), fatal=False).finding(deadline)


class _Check:
    """One check, started. It is left behind where it hangs.

    Args:
        name: What is checked.
        check: Gives what was found, or raises an error of this project.
        remedy: What to do where it never ends.
        fatal: Whether the agent cannot do its work where it fails.
    """

    def __init__(self, name: str, check: Callable[[], str], remedy: str = "", *, fatal: bool = True) -> None:
        self._name, self._remedy, self._fatal = name, remedy, fatal
        self._began, self._waits = time.monotonic(), processor_waits()
        self._call = BoundedCall(check, f"check-{name}")

    def finding(self, deadline: float) -> Finding:
        """The outcome, waited for until a monotonic time."""
        try:
            return Finding(self._name, ok=True, detail=self._call.result(deadline - time.monotonic()))
        except NotInTime:
            waited_s = time.monotonic() - self._began
            remedy = busy_note(self._waits, processor_waits(), waited_s) or self._remedy
            cause: AgentError = CheckFailed(f"no answer within {waited_s:.0f} s", remedy=remedy)
        except AgentError as error:
            cause = error
        return Finding(self._name, ok=False, detail=str(cause), fatal=self._fatal)


def _python() -> str:
    version = ".".join(map(str, sys.version_info[:3]))
    return f"Python {version}, edge-agent {__version__}, as the user {this_user()}"


def _model(settings: Settings) -> str:
    source = model_source(settings)
    chosen = settings.classifier
    classifier = load_model(chosen, source.path, follows_fleet=settings.follows_fleet)
    face = to_face_tensor(draw_face("happy", 1.0, seed=1, side_px=96).image, classifier.channels)
    batch = np.stack([face] * 8)
    classifier.predict(batch)
    began = time.perf_counter()
    classifier.predict(batch)
    each_ms = (time.perf_counter() - began) * 1000.0 / len(batch)
    model = f"{classifier.model_id} ({classifier.metadata.name}), {source}"
    found = f"{model}; with {classifier.runtime_name}, {each_ms:.2f} ms a face; prior {classifier.prior}"
    if names_all_labels(chosen.prior, classifier.labels):
        return found
    return f"{found}. The shares in classifier.prior wait for a model of the fleet with these labels"


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
    if not folder.exists():
        return check_folder(folder)  # as the agent will make it
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


def _state(settings: Settings) -> str:
    """What the agent keeps beside its outbox, or in its data folder."""
    folder = state_folder(settings)
    assert folder is not None
    found = check_folder(folder)
    muted = mute_file(folder, settings.device.site, settings.device.id)
    check_readable(muted)
    examine_mute_file(muted)
    check_file(folder / AUDIT_FILE)
    if settings.camera.live:
        check_file(folder / DECLARATIONS_FILE)
    return found


def _updates(settings: Settings) -> str:
    """The school's key for models, and the folder that they are kept in."""
    Verifier(Path(settings.update.key))
    folder = models_folder(settings)
    if folder is None:
        return "models are not kept: [outbox] has no path"
    found = check_folder(folder)
    check_readable(folder / STATE_FILE)
    return found


def _clock() -> str:
    if not clock_synced():
        raise CheckFailed("the system clock is not synchronised", remedy="Check the network time service: timedatectl")
    return "synchronised"


def _certificates(settings: Settings) -> str:
    tls_context(settings.mqtt.tls)
    if importlib.util.find_spec("cryptography") is None:
        return "their dates are not looked at: the package cryptography is not installed"
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


def _camera(settings: Settings, frames: list[Frame], deadline: float) -> str:
    led = StatusLed(settings.led.name)
    # An LED that is on belongs to an agent at work, and stays on whatever is found here.
    at_work = led.lit()
    opened = partial(open_source, memory=CameraMemory(state_folder(settings), None, read_only=True))
    camera = Camera(settings.camera, opened) if at_work else Camera(settings.camera, opened, on_device=led.show)
    began, waits = time.monotonic(), processor_waits()
    camera.start()
    try:
        while time.monotonic() < deadline:
            frame = camera.latest(-1, 0.25)
            if frame is not None:
                frames.append(frame)
                height, width = frame.image.shape[:2]
                return f"{settings.camera.source} delivers {width}x{height} pixels"
            if camera.state in (CameraState.FAILED, CameraState.ENDED, CameraState.STALLED):
                break
        waited_s = time.monotonic() - began
        reason = camera.reason or f"no frame within {waited_s:.0f} s"
        # A camera that said what is wrong with it did answer.
        silent = camera.state in (CameraState.STARTING, CameraState.STALLED)
        busy = busy_note(waits, processor_waits(), waited_s) if silent else ""
        remedy = "" if camera.reason else _OF_NETWORK
        raise CheckFailed(f"camera: {reason}", remedy=busy or remedy)
    finally:
        # A camera that hangs is left behind, and its light goes out all the same.
        try:
            BoundedCall(camera.stop, "camera-stop").result(0.8)
        except NotInTime:
            if not at_work:
                led.show(False)
