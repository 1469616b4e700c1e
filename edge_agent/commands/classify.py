"""What ``edge-agent classify`` gives: lines, JSON, a table, and copies of the pictures with what was found."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from edge_agent.errors import InputError
from edge_agent.files import SECRET, make_folder, write_file
from edge_agent.model_format.labels import UNCERTAIN
from edge_agent.types import Image
from edge_agent.vision.images import ClassifiedFace
from edge_agent.vision.orientation import TURNED, Rotation, how_turned

WRITABLE: Final = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
"""Kinds of files that an annotated picture may have."""

_A_FOLDER: Final = "a folder, since several pictures are classified"
_SURE, _UNSURE = (80, 220, 80), (170, 170, 170)
_FONT: Final = cv2.FONT_HERSHEY_SIMPLEX


@dataclass(frozen=True, slots=True)
class ClassifiedImage:
    """What one file gave.

    Attributes:
        path: The file.
        faces: From top to bottom and left to right.
        error: Why it could not be read; empty where it could.
        turned_by: By how much it has to be turned clockwise for faces to be upright; 0 where they are.
    """

    path: Path
    faces: tuple[ClassifiedFace, ...] = ()
    error: str = ""
    turned_by: Rotation = 0

    def as_dict(self) -> dict[str, Any]:
        """As a JSON object."""
        if self.error:
            return {"image": str(self.path), "error": self.error}
        turned = {"turned_by_deg": self.turned_by} if self.turned_by else {}
        return {"image": str(self.path), **turned, "faces": [_face_as_dict(face) for face in self.faces]}

    def as_text(self) -> str:
        """For people, a line for each face."""
        turned = [f"{self.path}: {turned_note(self.turned_by)}"] if self.turned_by else []
        if not self.faces:
            return "\n".join([f"{self.path}: no face found", *turned])
        lines = turned
        for face in self.faces:
            box = face.box
            where = f"  at left {box.left:.0f}, top {box.top:.0f}, side {box.side:.0f}" if box is not None else ""
            lines.append(f"{self.path}: {face.expression} {certainty(face)}{where}")
        return "\n".join(lines)


def table(images: Sequence[ClassifiedImage], labels: Sequence[str]) -> str:
    """All faces as CSV with a header, one row each; a picture without a face, or with an error, has a row as well."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["image", "face", "left", "top", "side", "expression", "confidence", *labels, "error", "unread"])
    for image in images:
        if not image.faces:
            writer.writerow([image.path, *[""] * (6 + len(labels)), image.error, TURNED if image.turned_by else ""])
        for number, face in enumerate(image.faces, 1):
            box = face.box
            place = ["", "", ""] if box is None else [round(box.left), round(box.top), round(box.side)]
            scores = [round(face.scores[label], 4) for label in labels]
            figures = [round(face.confidence, 4), *scores]
            writer.writerow([image.path, number, *place, face.expression, *figures, "", face.unread or ""])
    return text.getvalue()


def turned_note(turned_by: Rotation) -> str:
    """What to say of a picture whose faces are not upright."""
    return f"faces are {how_turned(turned_by)}, so none is read; turn the picture clockwise by {turned_by} degrees"


def certainty(face: ClassifiedFace) -> str:
    """How sure the model is, or why nothing could be read, for people."""
    return f"{face.confidence:.0%}" if face.unread is None else f"({face.unread.replace('_', ' ')})"


def check_table(path: Path, pictures: Sequence[Path]) -> None:
    """Refuse a place for the table before any work is done for it.

    Raises:
        InputError: It is a folder or one of the pictures, or its folder is missing.
    """
    expected = "a file to write the table to"
    if path.is_dir():
        raise InputError(str(path), received="a folder", expected=expected)
    if not path.parent.is_dir():
        raise InputError(str(path), received="a place in a folder that is not there", expected=expected)
    if path.exists() and any(picture.exists() and picture.samefile(path) for picture in pictures):
        raise InputError(str(path), received="one of the pictures", expected=expected)


def write_table(path: Path, images: Sequence[ClassifiedImage], labels: Sequence[str]) -> None:
    """Write :func:`table` to a file that its owner alone may read.

    Raises:
        InputError: The file cannot be written, or is one of the pictures.
    """
    check_table(path, [image.path for image in images])
    write_file(path, table(images, labels).encode("utf-8", "backslashreplace"), SECRET)


class Annotations:
    """Where copies of pictures go that show what was found.

    Args:
        out: A file, where a single file is classified; otherwise a folder, which is made.
        named: What is classified, as it was named: files and folders.
        pictures: All files among them; none of them is ever replaced.

    Raises:
        InputError: ``out`` cannot be what it has to be.
    """

    def __init__(self, out: Path, named: Sequence[Path], pictures: Sequence[Path]) -> None:
        self._out, self._names = out, set[str]()
        self._pictures = {path.resolve() for path in pictures}
        single = len(named) == 1 and not named[0].is_dir()
        self._is_file = single and not out.is_dir() and bool(out.suffix)
        if self._is_file and out.suffix.lower() not in WRITABLE:
            raise InputError(str(out), received=f"the ending {out.suffix}", expected=f"one of {', '.join(WRITABLE)}")
        if not self._is_file:
            if out.is_file():
                raise InputError(str(out), received="a file", expected=_A_FOLDER)
            if not out.exists() and out.suffix.lower() in WRITABLE:
                raise InputError(str(out), received="the name of a picture", expected=_A_FOLDER)
            make_folder(out, 0o700)

    def write(self, image: Image, scale: int, result: ClassifiedImage) -> Path:
        """Write the copy of one picture; its path.

        Args:
            image: ``uint8 (height, width, 3)``, blue-green-red; not changed.
            scale: Pixels of the file's picture to one of ``image``.
            result: What was found in it.

        Raises:
            InputError: The copy would replace one of the pictures, or cannot be written.
        """
        path = self._out if self._is_file else self._out / self._name(result.path)
        if path.resolve() in self._pictures:
            raise InputError(str(path), received="one of the pictures itself", expected="another file to write to")
        written, content = cv2.imencode(path.suffix, annotated(image, result.faces, scale))
        if not written:
            raise InputError(
                str(path), received="a picture that cannot be written", expected=f"one of {', '.join(WRITABLE)}"
            )
        write_file(path, content.tobytes(), SECRET)
        return path

    def _name(self, path: Path) -> str:
        """A name that no picture before had."""
        suffix = path.suffix if path.suffix.lower() in WRITABLE else ".jpg"
        name, number = f"{path.stem}{suffix}", 1
        while name in self._names:
            number += 1
            name = f"{path.stem}-{number}{suffix}"
        self._names.add(name)
        return name


def annotated(image: Image, faces: Sequence[ClassifiedFace], scale: int = 1) -> Image:
    """A copy of an image with a box and the expression for each face."""
    copy = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR) if image.ndim == 2 else image.copy()
    height, width = copy.shape[:2]
    thick = max(1, round(max(height, width) / 600))
    for face in faces:
        colour = _UNSURE if face.expression == UNCERTAIN else _SURE
        left, top, side = (
            (0, 0, min(height, width))
            if face.box is None
            else (round(face.box.left / scale), round(face.box.top / scale), round(face.box.side / scale))
        )
        cv2.rectangle(copy, (left, top), (left + side, top + side), colour, thick)
        label = f"{face.expression} {certainty(face)}".encode("ascii", "replace").decode()
        size = max(0.35, 0.4 * thick)
        (wide, high), below = cv2.getTextSize(label, _FONT, size, thick)
        x = max(0, min(left, width - wide))
        y = top - below if top - below - high >= 0 else min(height - below, top + side + high + below)
        cv2.rectangle(copy, (x, y - high - 2), (x + wide, y + below), (0, 0, 0), -1)
        cv2.putText(copy, label, (x, y), _FONT, size, colour, thick, cv2.LINE_AA)
    return np.asarray(copy, np.uint8)


def _face_as_dict(face: ClassifiedFace) -> dict[str, Any]:
    box = face.box
    return {
        "box": None if box is None else {"left": round(box.left), "top": round(box.top), "side": round(box.side)},
        "expression": face.expression,
        "confidence": round(face.confidence, 4),
        **({} if face.unread is None else {"unread": face.unread}),
        "scores": {label: round(score, 4) for label, score in face.scores.items()},
    }
