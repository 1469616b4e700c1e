"""Pictures that a list names one by one, with their classes: what all readers of such lists share."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_agent.errors import InputError
from edge_agent.model_format.crop import crop_face
from edge_agent.model_format.metadata import FACE_SIZE
from edge_agent.vision.image_file import read_image_file
from train.data.checks import Faults
from train.data.dataset import FaceSet
from train.data.folders import label_order, split_named
from train.data.images import looks_like_photograph, read_face_and_size, warn_of_photographs

PICTURES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")
"""Ends of the names of pictures, in lower case."""
_MAX_SIDE = 1.5
"""Largest side of a face to the longer side of its photograph. A larger square would only take memory."""


@dataclass(frozen=True)
class Box:
    """Where a face is in a photograph, in pixels."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True)
class Listed:
    """A picture in a list.

    Attributes:
        path: Its file.
        label: Its canonical class name.
        usage: The publisher's part: ``train``, ``validation``, ``test`` or empty.
        origin: What lets a person find it again.
        box: The face in it; None where the picture is a face crop.
        subject: Who is shown; empty where unknown.
    """

    path: Path
    label: str
    usage: str
    origin: str
    box: Box | None = None
    subject: str = ""


def read_listed(name: str, where: Path, entries: Iterable[Listed], *, channels: int, faults: Faults) -> FaceSet:
    """Read the pictures of a list.

    Args:
        name: Of the data set.
        where: The list, for messages.
        entries: The pictures.
        channels: 1 for gray, 3 for red-green-blue.
        faults: Gets pictures that cannot be read, or raises.

    Raises:
        InputError: A picture cannot be read and ``faults`` raises, or there is none.
    """
    images: list[NDArray[np.uint8]] = []
    kept: list[Listed] = []
    photographs: list[str] = []
    for entry in entries:
        try:
            face, size = _read(entry, channels)
        except InputError as fault:
            faults.add(fault)
            continue
        if looks_like_photograph(size):
            photographs.append(f"{entry.path} has {size[1]} x {size[0]}")
        images.append(face)
        kept.append(entry)
    if not kept:
        received = f"no readable picture ({faults.found[0]})" if faults.found else "no pictures"
        raise InputError(str(where), received=received, expected="pictures with their classes")
    warn_of_photographs(photographs, len(kept))
    classes = label_order(entry.label for entry in kept)
    index = {label: number for number, label in enumerate(classes)}
    return FaceSet(
        name=name,
        images=np.stack(images),
        labels=np.array([index[entry.label] for entry in kept], np.int64),
        classes=classes,
        usage=np.array([entry.usage for entry in kept]),
        origin=np.array([entry.origin for entry in kept]),
        subject=np.array([entry.subject for entry in kept]),
        sequence=np.full(len(kept), ""),
        unreadable=faults.found,
    )


def entries_of_lines(
    list_file: Path, faults: Faults, entry_of: Callable[[int, str], Listed | None]
) -> Iterator[Listed]:
    """What the lines of a list in UTF-8 name.

    Args:
        list_file: The list, with a byte order mark or without. Empty lines are passed over.
        faults: Gets lines that are malformed, or raises.
        entry_of: Reads a line, given with its number from 1. It raises InputError, or gives None for one to leave out.
    """
    lines = list_file.read_bytes().decode("utf-8-sig", "replace").splitlines()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            entry = entry_of(number, line)
        except InputError as fault:
            faults.add(fault)
            continue
        if entry is not None:
            yield entry


def cells_of(line: str, delimiter: str = ",") -> list[str]:
    """The trimmed cells of a line of a CSV file; none where it cannot be read as one."""
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter), [])]
    except csv.Error:
        return []


def is_there(path: Path) -> bool:
    """Whether it is a file, also for what a list says and no file can be called: thousands of letters, a NUL."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def part_of(path: Path) -> str:
    """The part that a folder above a picture names; empty where none does."""
    named = map(split_named, path.parts[:-1])
    return next(filter(None, named), "")


def _read(entry: Listed, channels: int) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """The face, and the height and width in pixels of what it was scaled from."""
    if entry.box is None:
        return read_face_and_size(entry.path, channels)
    return _cropped(entry, channels), (FACE_SIZE, FACE_SIZE)


def _cropped(entry: Listed, channels: int) -> NDArray[np.uint8]:
    """The square around the box, as a detector's box becomes one."""
    assert entry.box is not None
    image, box = read_image_file(entry.path, cv2.IMREAD_COLOR), entry.box
    side = max(box.width, box.height)
    left, top = box.left + (box.width - side) / 2, box.top + (box.height - side) / 2
    height, width = image.shape[:2]
    fits = math.isfinite(left) and math.isfinite(top) and 1 <= side <= _MAX_SIDE * max(width, height)
    if not fits or left >= width or top >= height or left + side <= 0 or top + side <= 0:
        raise InputError(
            entry.origin, received=f"a face outside the {width} x {height} pixels", expected="one within the picture"
        )
    return crop_face(image, left, top, side, channels).reshape(FACE_SIZE, FACE_SIZE, channels)
