"""What a camera sees, judged twice a second until somebody stops it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from edge_agent.config import Settings
from edge_agent.errors import CheckFailed
from edge_agent.system.data_folders import state_folder
from edge_agent.system.status_led import StatusLed
from edge_agent.types import Detection, Frame, Image
from edge_agent.vision.aiming import Aim, Aiming, advice
from edge_agent.vision.camera import Camera, CameraState, open_source
from edge_agent.vision.camera_identity import CameraMemory
from edge_agent.vision.detector import Detector, detector_note, open_detector
from edge_agent.vision.orientation import ROTATIONS, Rotation, clearest, rotation_note, seen_turned
from edge_agent.vision.zones import Zones

_FRAME_WAIT_S: Final = 0.25
_FIRST_FRAME_WITHIN_S: Final = 15.0
_EVERY_S: Final = 0.5
"""Faces are searched so often: often enough to turn a camera by, and no load for a small board."""


@dataclass(frozen=True, slots=True)
class AimReport:
    """What there is to show.

    Attributes:
        aim: What the camera sees.
        detector: What finds the faces: ``haar`` or ``yunet``.
        turned_by: By how much the picture has to be turned for faces to be upright; 0 where they are.
        notes: Sentences about the picture as a whole and the detector.
    """

    aim: Aim
    detector: str
    turned_by: Rotation
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The report as one JSON object."""
        width, height = self.aim.size
        return {
            "frame": {"width": width, "height": height, "level": round(self.aim.level, 1)},
            "faces": [
                {
                    "box": {"left": round(face.box.left), "top": round(face.box.top), "side": round(face.box.side)},
                    "score": round(face.score, 3),
                    "roll_deg": None if face.roll_deg is None else round(face.roll_deg, 1),
                    "problems": list(face.problems),
                }
                for face in self.aim.faces
            ],
            "places": self.aim.places,
            "covered_share": round(self.aim.covered_share, 3),
            "turned_by_deg": self.turned_by,
            "detector": self.detector,
            "notes": list(self.notes),
            "advice": advice(self.aim),
        }


def watch_aim(settings: Settings, stop: threading.Event, show: Callable[[AimReport], None]) -> AimReport:
    """Judge frames until ``stop`` is set or the source ends.

    Args:
        settings: The camera and the detector; its declaration must have been checked.
        stop: Ends it.
        show: Takes every report.

    Returns:
        The last report.

    Raises:
        CheckFailed: The camera delivered nothing.
        ModelError: The detector cannot be used.
    """
    detector = open_detector(settings.detector)
    led = StatusLed(settings.led.name)
    opened = partial(open_source, memory=CameraMemory(state_folder(settings), None, read_only=True))
    camera = Camera(settings.camera, opened) if led.lit() else Camera(settings.camera, opened, on_device=led.show)
    judge = _Judge(settings, detector)
    report: AimReport | None = None
    camera.start()
    try:
        began, last_index, next_at = time.monotonic(), -1, 0.0
        while True:
            frame = camera.latest(last_index, _FRAME_WAIT_S)
            if frame is not None:
                last_index = frame.index
                if frame.captured_at >= next_at:
                    report = judge.report(frame)
                    show(report)
                    next_at = frame.captured_at + _EVERY_S
            elif report is None and _hopeless(camera, began):
                raise CheckFailed(f"camera: {camera.reason or f'no frame within {_FIRST_FRAME_WITHIN_S:g} s'}")
            # At least one frame is judged, however soon it has to end.
            if report is not None and (stop.is_set() or (frame is None and camera.finished)):
                return report
    finally:
        camera.stop()


def look_once(settings: Settings, detector: Detector, frame: Frame) -> AimReport:
    """Judge a single frame."""
    return _Judge(settings, detector).report(frame)


class _Judge:
    """Turns frames into reports. In every one it also searches one of the four rotations; in the first one, all."""

    def __init__(self, settings: Settings, detector: Detector) -> None:
        self._detector, self._zones = detector, Zones.of(settings.detector)
        self._rotate_deg = settings.camera.rotate_deg
        self._detector_note = detector_note(settings.detector, detector.name)
        self._aiming = Aiming()
        self._tried: dict[Rotation, list[Detection]] = {}
        self._turned_by: Rotation = 0

    def report(self, frame: Frame) -> AimReport:
        image = frame.image
        size = (image.shape[1], image.shape[0])
        faces = [face for face in self._detector.detect(image) if self._zones.holds(face.box, size)]
        self._try_rotations(image)
        notes = (rotation_note(self._turned_by, self._rotate_deg), self._detector_note)
        aim = self._aiming.judge(image, faces, turned=self._turned_by != 0)
        return AimReport(aim, self._detector.name, self._turned_by, tuple(filter(None, notes)))

    def _try_rotations(self, image: Image) -> None:
        left = [rotation for rotation in ROTATIONS if rotation not in self._tried]
        for rotation in left[:1] if len(left) < len(ROTATIONS) or self._aiming.judged else left:
            self._tried[rotation] = seen_turned(self._detector, image, rotation)
        if len(self._tried) == len(ROTATIONS):
            winner = clearest(self._tried)
            self._turned_by = self._turned_by if winner is None else winner
            self._tried = {}


def _hopeless(camera: Camera, began: float) -> bool:
    troubled = camera.finished or camera.state in (CameraState.FAILED, CameraState.ENDED, CameraState.STALLED)
    return troubled or time.monotonic() - began > _FIRST_FRAME_WITHIN_S
