"""From one photograph to the faces whose expression its class tells, found and cut out by the device's own code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edge_agent.config import DetectorSettings
from edge_agent.errors import InputError
from edge_agent.model_format.crop import crop_face
from edge_agent.types import Detection, Image
from edge_agent.vision.detector import Detector, open_detector
from edge_agent.vision.image_file import read_image_file
from edge_agent.vision.sources.files import IMAGE_SUFFIXES
from train.prepare.photos import Photo
from train.prepare.report import Skipped

Several = Literal["clear", "skip", "largest", "all"]

CLEARLY_LARGER = 1.5
"""Under the policy ``clear``, by how much the largest face's side must exceed the next one's."""

_SMALLEST_LOOK_PX = 12  # a second look that only explains why nothing was found


@dataclass(frozen=True)
class Policy:
    """What becomes a crop, and how crops are split.

    Attributes:
        detector: ``auto``, ``haar`` or ``yunet``: the one the device will use.
        weights: YuNet's weights file; where fetched unless named.
        min_face_px: The smallest face taken, by the side of its square; the device's own default.
        several: What to do about several faces in a photograph: take the ``largest``, or ``all``, or ``skip`` it, or
            take the largest where it is ``clear``-ly so and else skip.
        channels: 1 for gray crops, 3 for colour.
        person: A regular expression that finds who is shown in a file's name.
        validation: Share of each class for validation.
        test: Share of each class for the test; 0 for none.
        seed: Of the split.
    """

    detector: Literal["auto", "haar", "yunet"] = "auto"
    weights: Path | None = None
    min_face_px: int = DetectorSettings().min_face_px
    several: Several = "clear"
    channels: int = 1
    person: str = ""
    validation: float = 0.15
    test: float = 0.15
    seed: int = 0


@dataclass(frozen=True)
class Cut:
    """A crop with where it is from."""

    photo: Photo
    box: tuple[int, int, int]
    crop: NDArray[np.uint8]


class Cutter:
    """Cuts faces out of photographs by a policy.

    Raises:
        ModelError: The detector cannot be opened.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._detector = _open(policy, policy.min_face_px)
        self._look_closer = _open(policy, min(_SMALLEST_LOOK_PX, policy.min_face_px))
        self.detector_name = self._detector.name

    def cut(self, photo: Photo) -> list[Cut] | Skipped:
        """The faces of a photograph, or why it gives none."""
        policy = self._policy
        path = str(photo.path)
        if photo.path.suffix.lower() not in IMAGE_SUFFIXES:
            return Skipped(path, "unreadable", f"{photo.path.suffix or 'no ending'} is no picture format")
        try:
            image = read_image_file(photo.path)
        except InputError as error:
            return Skipped(path, "unreadable", str(error))
        found = [face for face in self._detector.detect(image) if face.box.side >= policy.min_face_px]
        if not found:
            return self._nothing(path, image)
        chosen = choose(found, policy.several)
        if not chosen:
            return Skipped(path, "several faces", f"{len(found)} faces, policy {policy.several}")
        return [
            Cut(
                photo,
                (round(box.left), round(box.top), round(box.side)),
                crop_face(image, box.left, box.top, box.side, policy.channels),
            )
            for box in (face.box for face in chosen)
        ]

    def _nothing(self, path: str, image: Image) -> Skipped:
        min_face_px = self._policy.min_face_px
        height, width = image.shape[:2]
        if min(height, width) < min_face_px:
            return Skipped(
                path, "too small", f"the picture has {width} x {height} pixels, the smallest face {min_face_px}"
            )
        largest = max((face.box.side for face in self._look_closer.detect(image)), default=0.0)
        if 0 < largest < min_face_px:
            return Skipped(
                path, "too small", f"the largest face has {largest:.0f} pixels, the smallest taken {min_face_px}"
            )
        return Skipped(path, "no face", f"{width} x {height} pixels")


def choose(found: Sequence[Detection], several: Several) -> list[Detection]:
    """Whose expression a photograph's class tells, largest face first; empty where nobody can say."""
    by_size = sorted(found, key=lambda face: -face.box.side)
    if several == "all" or len(by_size) <= 1:
        return by_size
    if several == "largest" or (several == "clear" and by_size[0].box.side >= CLEARLY_LARGER * by_size[1].box.side):
        return by_size[:1]
    return []


def _open(policy: Policy, min_face_px: int) -> Detector:
    return open_detector(
        DetectorSettings(kind=policy.detector, weights=str(policy.weights or ""), min_face_px=min_face_px)
    )
