"""Images whose faces are known, for scoring detectors: photographs of groups and drawn classrooms."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from edge_agent.decoding import UNDECODABLE, decode_json
from edge_agent.errors import InputError
from edge_agent.files import read_file
from edge_agent.simulate import SimulatedClassroom
from edge_agent.types import Box, Image
from edge_agent.vision.image_file import read_image_file

_Boxes = dict[str, list[tuple[float, float, float, float]]]
"""Left, top, width and height of each face, by the name of the photograph."""
_WANTED = 'boxes as in {"photo.jpg": [[left, top, width, height], ...], ...}'


@dataclass(frozen=True)
class Scene:
    """An image and where its faces are.

    Attributes:
        image: The image.
        faces: The faces.
        unclear: Places where a detection counts neither as right nor as false: half hidden faces.
    """

    image: Image
    faces: tuple[Box, ...]
    unclear: tuple[Box, ...] = ()


def photo_scenes(folder: Path, sizes: Sequence[float] = (1.0, 1.4, 2.0), light: float = 1.0) -> list[Scene]:
    """Read the photographs of a folder with ``boxes.json``, each at several sizes.

    Args:
        folder: The images. ``boxes.json`` has the list of faces of each by name, ``[left, top, width, height]``.
        sizes: Factors by which each image is enlarged.
        light: Factor on the gray levels; below 1, noise like a sensor's is added.

    Raises:
        InputError: The list or an image is missing or broken.
    """
    index = folder / "boxes.json"
    content = read_file(index, _WANTED)
    try:
        # Some editors begin a file with a mark, which is no part of the list.
        listed = decode_json(content.removeprefix(codecs.BOM_UTF8), _Boxes)
    except UNDECODABLE as error:
        raise InputError(f"{index}: {error}", expected=_WANTED) from None
    truth = {name: [Box(left, top, width) for left, top, width, _ in boxes] for name, boxes in listed.items()}
    noise = np.random.default_rng(0)
    scenes = []
    for name, boxes in sorted(truth.items()):
        photo = read_image_file(folder / name)
        if light < 1.0:
            photo = np.clip(photo * light + noise.normal(0.0, 2.0, photo.shape), 0, 255).astype(np.uint8)
        for size in sizes:
            image = cv2.resize(photo.astype(np.uint8), None, fx=size, fy=size, interpolation=cv2.INTER_LINEAR)
            faces = tuple(Box(box.left * size, box.top * size, box.side * size) for box in boxes)
            scenes.append(Scene(image.astype(np.uint8, copy=False), faces))
    return scenes


def classroom_scenes(
    classes: Sequence[int] = (4, 12, 24, 40), times_s: Sequence[float] = (3.0, 17.0, 31.0)
) -> list[Scene]:
    """Draw classrooms of several sizes at 1280 x 720 pixels, each at several moments."""
    scenes = []
    for faces in classes:
        classroom = SimulatedClassroom(faces, 1280, 720, seed=faces)
        for at in times_s:
            truth = classroom.truth(at)
            scenes.append(
                Scene(
                    classroom.render(at),
                    tuple(face.box for face in truth if face.present),
                    tuple(face.box for face in truth if not face.present),
                )
            )
    return scenes
