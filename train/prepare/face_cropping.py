"""Face cropping: from one photograph to the faces that its class is about, by the device's own code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from edge_agent.config import MAX_MEGAPIXELS, DetectorSettings
from edge_agent.errors import InputError
from edge_agent.model_format.crop import crop_face
from edge_agent.types import Detection
from edge_agent.vision.detector import Detector, open_detector
from edge_agent.vision.image_file import Photograph, read_photograph
from edge_agent.vision.sources.files import IMAGE_SUFFIXES
from train.prepare.photos import Photo
from train.prepare.report import Skipped

Several = Literal["clear", "skip", "largest", "all"]

CLEARLY_LARGER = 1.5
"""Under the policy ``clear``, the smallest ratio of the largest face's side to the next one's."""

_MIN_SECOND_SEARCH_PX = 12  # of a second search that only explains why no face was found


@dataclass(frozen=True)
class Policy:
    """What becomes a crop, and how crops are split.

    Attributes:
        detector: ``auto``, ``haar`` or ``yunet``: the one that the device will use.
        weights: YuNet's weights file; the fetched one unless given.
        min_face_px: Side of the square of the smallest face to take, in pixels; the default is the device's.
        several: What to do with a photograph of several faces: take the ``largest`` or ``all``, ``skip`` it, or, with
            ``clear``, take the largest if it is clearly the largest and otherwise skip it.
        channels: 1 for gray crops, 3 for colour.
        person: A regular expression that finds the person in a file's name.
        validation: Share of each class for validation.
        test: Share of each class for the test; 0 for none.
        seed: Of the split.
        max_megapixels: Photographs that announce more pixels are left out.
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
    max_megapixels: int = MAX_MEGAPIXELS


@dataclass(frozen=True)
class FaceCrop:
    """A crop and its origin.

    Attributes:
        photo: The photograph.
        box: Left, top and side of the square in pixels of the upright photograph.
        pixels: ``uint8 (48, 48)``, or ``(48, 48, 3)`` in colour.
    """

    photo: Photo
    box: tuple[int, int, int]
    pixels: NDArray[np.uint8]


class FaceCropper:
    """Crops faces from photographs by a policy.

    Raises:
        ModelError: The detector cannot be opened.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._detector = _open(policy, policy.min_face_px)
        self._second_detector = _open(policy, min(_MIN_SECOND_SEARCH_PX, policy.min_face_px))
        self.detector_name = self._detector.name

    def crop(self, photo: Photo) -> list[FaceCrop] | Skipped:
        """Crop the faces of a photograph, or say why it gives none."""
        policy = self._policy
        path = str(photo.path)
        if photo.path.suffix.lower() not in IMAGE_SUFFIXES:
            return Skipped(path, "unreadable", f"{photo.path.suffix or 'no ending'} is no picture format")
        try:
            picture = read_photograph(photo.path, max_megapixels=policy.max_megapixels)
        except InputError as error:
            return Skipped(path, "unreadable", str(error))
        image, scale = picture.image, picture.scale
        found = [face for face in self._detector.detect(image) if face.box.side * scale >= policy.min_face_px]
        if not found:
            return self._no_face(path, picture)
        chosen = choose(found, policy.several)
        if not chosen:
            return Skipped(path, "several faces", f"{len(found)} faces, policy {policy.several}")
        return [
            FaceCrop(
                photo,
                (round(box.left * scale), round(box.top * scale), round(box.side * scale)),
                crop_face(image, box.left, box.top, box.side, policy.channels),
            )
            for box in (face.box for face in chosen)
        ]

    def _no_face(self, path: str, picture: Photograph) -> Skipped:
        min_face_px = self._policy.min_face_px
        height, width = (side * picture.scale for side in picture.image.shape[:2])
        if min(height, width) < min_face_px:
            return Skipped(
                path, "too small", f"the picture has {width} x {height} pixels, the smallest face {min_face_px}"
            )
        found = self._second_detector.detect(picture.image)
        largest = max((face.box.side * picture.scale for face in found), default=0.0)
        if 0 < largest < min_face_px:
            return Skipped(
                path, "too small", f"the largest face has {largest:.0f} pixels, the smallest taken {min_face_px}"
            )
        return Skipped(path, "no face", f"{width} x {height} pixels")


def choose(found: Sequence[Detection], several: Several) -> list[Detection]:
    """Choose the faces that a photograph's class is about, the largest first; empty where that is not clear."""
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
