"""What face detectors find, what they take for a face, and what it costs: on group photos and in drawn classrooms."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from edge_agent.errors import InputError
from edge_agent.simulate import SimulatedClassroom
from edge_agent.types import Box, Detection, Image
from edge_agent.vision.haar import HaarDetector, HaarSearch
from edge_agent.vision.weights import read_weights
from edge_agent.vision.yunet import YuNetDetector
from train.common.table import table

_NEAR = 0.4  # how far a box's centre may lie from a face's, in sides of the face
_DIM = 0.2  # a room of which a fifth of the light is left


class Detector(Protocol):
    """Finds the faces of a picture."""

    def detect(self, image: Image) -> list[Detection]:
        """All faces as squares."""


@dataclass(frozen=True)
class Scene:
    """A picture and the truth about it.

    Attributes:
        image: The picture.
        faces: Where faces are.
        unclear: Where something may or may not count as a face: half hidden ones.
    """

    image: Image
    faces: tuple[Box, ...]
    unclear: tuple[Box, ...] = ()


@dataclass(frozen=True, slots=True)
class DetectorScore:
    """How a detector did on some scenes.

    Attributes:
        faces: How many faces there were.
        found: How many of them it found.
        false: How many boxes were on no face.
        cpu_ms: Mean processor time a picture took, in milliseconds.
    """

    faces: int
    found: int
    false: int
    cpu_ms: float


def score_detector(detector: Detector, scenes: Sequence[Scene]) -> DetectorScore:
    """Count what a detector finds; a face counts once, and a second box on it is false."""
    found = false = 0
    spent_s = 0.0
    for scene in scenes:
        began = time.process_time()
        detections = detector.detect(scene.image)
        spent_s += time.process_time() - began
        left = list(scene.faces)
        for box in (detection.box for detection in detections):
            hit = next((face for face in left if _near(box, face)), None)
            if hit is not None:
                left.remove(hit)
            elif not any(_near(box, face) for face in scene.unclear):
                false += 1
        found += len(scene.faces) - len(left)
    return DetectorScore(
        sum(len(scene.faces) for scene in scenes), found, false, 1000.0 * spent_s / max(1, len(scenes))
    )


def photo_scenes(folder: Path, sizes: Sequence[float] = (1.0, 1.4, 2.0), light: float = 1.0) -> list[Scene]:
    """The photos of a folder with ``boxes.json``, each at several sizes.

    Args:
        folder: Pictures, and in ``boxes.json`` for each name the list of its faces, ``[left, top, width, height]``.
        sizes: By how much each picture is enlarged.
        light: Factor on its gray levels; with less than 1 comes a sensor's noise.

    Raises:
        InputError: The list or a picture is missing or broken.
    """
    index = folder / "boxes.json"
    try:
        listed = {
            str(name): [[float(value) for value in box] for box in boxes]
            for name, boxes in json.loads(index.read_text(encoding="utf-8")).items()
        }
        truth = {name: [Box(box[0], box[1], box[2]) for box in boxes] for name, boxes in listed.items()}
    except (OSError, ValueError, TypeError, AttributeError, IndexError) as error:
        raise InputError(
            f"{index}: {error}", expected='{"photo.jpg": [[left, top, width, height], ...], ...}'
        ) from None
    noise = np.random.default_rng(0)
    scenes = []
    for name, boxes in sorted(truth.items()):
        picture = cv2.imread(str(folder / name))
        if picture is None:
            raise InputError(f"{folder / name}", expected="a picture, as boxes.json says")
        if light < 1.0:
            picture = np.clip(picture * light + noise.normal(0.0, 2.0, picture.shape), 0, 255)
        for size in sizes:
            image = cv2.resize(picture.astype(np.uint8), None, fx=size, fy=size, interpolation=cv2.INTER_LINEAR)
            faces = tuple(Box(box.left * size, box.top * size, box.side * size) for box in boxes)
            scenes.append(Scene(image.astype(np.uint8, copy=False), faces))
    return scenes


def classroom_scenes(
    classes: Sequence[int] = (4, 12, 24, 40), times_s: Sequence[float] = (3.0, 17.0, 31.0)
) -> list[Scene]:
    """Drawn classrooms of several sizes at 1280 x 720, each at several moments."""
    scenes = []
    for faces in classes:
        room = SimulatedClassroom(faces, 1280, 720, seed=faces)
        for at in times_s:
            truth = room.truth(at)
            scenes.append(
                Scene(
                    room.render(at),
                    tuple(face.box for face in truth if face.present),
                    tuple(face.box for face in truth if not face.present),
                )
            )
    return scenes


def detector_report(
    photos: Path | None,
    weights: Path | None,
    searches: Sequence[HaarSearch] | None = None,
    classes: Sequence[int] = (4, 12, 24, 40),
) -> str:
    """Score YuNet and several ways for Haar to search, in Markdown; figures are found / false, and processor time.

    Args:
        photos: A folder of group photos with ``boxes.json``; ``None`` leaves them out.
        weights: YuNet's; ``None`` leaves it out.
        searches: Haar's ways; those the choice was made from where not given.
        classes: How many people the drawn classes have.

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
        name = f"haar {search.cascade}, step {search.step}, {search.neighbours} agree, {search.longest_px} px{chosen}"
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
    HaarSearch(cascade, step, neighbours, longest_px)
    for cascade, step, neighbours, longest_px in (
        ("alt2", 1.2, 2, 640),
        ("alt2", 1.2, 3, 640),
        ("alt2", 1.1, 2, 640),
        ("alt2", 1.1, 3, 640),
        ("alt2", 1.2, 2, 480),
        ("alt2", 1.2, 2, 960),
        ("alt", 1.2, 2, 640),
        ("alt", 1.1, 2, 640),
        ("default", 1.2, 3, 640),
        ("default", 1.1, 4, 640),
    )
)
"""Haar's ways to search among which the choice was made."""


def _near(box: Box, face: Box) -> bool:
    return math.dist(box.center, face.center) < _NEAR * face.side
