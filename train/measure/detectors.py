"""Detection rate, false detections and processor time of the face detectors, on group photos and drawn classrooms."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from edge_agent.types import Box, Detection, Image
from edge_agent.vision.haar import HaarDetector, HaarSearch
from edge_agent.vision.weights import read_weights
from edge_agent.vision.yunet import YuNetDetector
from train.common.table import table
from train.measure.scenes import Scene, classroom_scenes, photo_scenes

_MAX_OFFSET = 0.4  # how far a box's centre may lie from a face's, in sides of the face
_DIM = 0.2  # a classroom with a fifth of its light


class Detector(Protocol):
    """Finds the faces of an image."""

    def detect(self, image: Image) -> list[Detection]:
        """All faces, each as a square."""


@dataclass(frozen=True, slots=True)
class DetectorScore:
    """What a detector found on some scenes.

    Attributes:
        faces: Number of faces in them.
        found: How many of these it found.
        false: Number of boxes that are on no face.
        cpu_ms: Mean processor time per image, in milliseconds.
    """

    faces: int
    found: int
    false: int
    cpu_ms: float


def score_detector(detector: Detector, scenes: Sequence[Scene]) -> DetectorScore:
    """Count what a detector finds. A face counts once; a second box on it is false."""
    found = false = 0
    spent_s = 0.0
    for scene in scenes:
        started = time.process_time()
        detections = detector.detect(scene.image)
        spent_s += time.process_time() - started
        missed = list(scene.faces)
        for box in (detection.box for detection in detections):
            hit = next((face for face in missed if _near(box, face)), None)
            if hit is not None:
                missed.remove(hit)
            elif not any(_near(box, face) for face in scene.unclear):
                false += 1
        found += len(scene.faces) - len(missed)
    return DetectorScore(
        sum(len(scene.faces) for scene in scenes), found, false, 1000.0 * spent_s / max(1, len(scenes))
    )


def detector_report(
    photos: Path | None,
    weights: Path | None,
    searches: Sequence[HaarSearch] | None = None,
    classes: Sequence[int] = (4, 12, 24, 40),
) -> str:
    """Score YuNet and several searches with Haar's cascades.

    Args:
        photos: A folder of group photos with ``boxes.json``; ``None`` leaves them out.
        weights: YuNet's weights; ``None`` leaves YuNet out.
        searches: Haar's searches; :data:`CANDIDATES` unless given.
        classes: Number of people in each drawn class.

    Returns:
        A table in Markdown: faces found of all, false detections, and processor time per image.

    Raises:
        InputError: The photos cannot be used.
        ModelError: The weights cannot be used.
    """
    kinds: dict[str, list[Scene]] = {}
    if photos is not None:
        kinds["photos"] = photo_scenes(photos)
        kinds["photos, dim"] = photo_scenes(photos, sizes=(1.0,), light=_DIM)
    kinds["drawn classes"] = classroom_scenes(classes)
    openers: list[tuple[str, Callable[[], Detector]]] = []
    if weights is not None:
        openers.append(("yunet", lambda: YuNetDetector(read_weights(weights), str(weights))))
    for search in CANDIDATES if searches is None else searches:
        chosen = ", in use" if search == HaarSearch() else ""
        name = f"haar {search.cascade}, step {search.step}, {search.neighbours} agree, {search.max_side_px} px{chosen}"
        openers.append((name, partial(HaarDetector, search=search)))
    rows = []
    for name, opener in openers:
        detector = opener()
        scores = [score_detector(detector, scenes) for scenes in kinds.values()]
        rows.append(
            [name, *(f"{score.found}/{score.faces}, {score.false} false, {score.cpu_ms:.0f} ms" for score in scores)]
        )
    return table(["detector", *kinds], rows)


CANDIDATES = tuple(
    HaarSearch(cascade, step, neighbours, max_side_px)
    for cascade, step, neighbours, max_side_px in (
        ("alt2", 1.2, 2, 640),
        ("alt2", 1.2, 3, 640),
        ("alt2", 1.1, 2, 640),
        ("alt2", 1.1, 3, 640),
        ("alt2", 1.2, 2, 480),
        ("alt2", 1.2, 2, 960),
        ("alt2", 1.2, 3, 960),
        ("alt", 1.2, 2, 640),
        ("alt", 1.1, 2, 640),
        ("default", 1.2, 3, 640),
        ("default", 1.1, 4, 640),
    )
)
"""Haar's searches among which the one in use was chosen."""


def _near(box: Box, face: Box) -> bool:
    return math.dist(box.center, face.center) < _MAX_OFFSET * face.side
