"""AffectNet (Mollahosseini et al. 2017) as it is distributed: ``images/7.jpg`` with ``annotations/7_exp.npy``.

The annotation is a number from 0 to 7; 8 to 10 mean that there is no expression, an uncertain one or no face.
"""

from __future__ import annotations

import io
import logging
import math
import tokenize
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from edge_agent.errors import InputError
from train.data.checks import Faults, OnUnreadable, check_channels
from train.data.dataset import FaceSet
from train.data.folders import folders_in, split_named
from train.data.label_map import NUMBERED, number_of
from train.data.listed import PICTURES, Listed, read_listed

log = logging.getLogger(__name__)
T = TypeVar("T")

NO_EXPRESSION = (8, 9, 10)
"""AffectNet's numbers for none, uncertain and no face."""

_ANNOTATION = "_exp.npy"
_MAX_BYTES, _MAX_ITEM_BYTES = 4096, 64
_READING_FAILS_WITH = (
    OSError,
    ValueError,
    EOFError,
    SyntaxError,
    TypeError,
    tokenize.TokenError,
    RecursionError,
    SystemError,  # NumPy's for text that is no Unicode
)


def find_affectnet(path: Path) -> dict[Path, str]:
    """The folders with ``images`` and ``annotations`` at a path or just below it, each with its part."""
    if not path.is_dir():
        return {}
    here = {path: split_named(path.name)}
    below = {folder: split_named(folder.name) for folder in folders_in(path)}
    return {
        folder: part
        for folder, part in {**here, **below}.items()
        if (folder / "images").is_dir() and next((folder / "annotations").glob(f"*{_ANNOTATION}"), None)
    }


def load_affectnet(
    folders: dict[Path, str], root: Path, *, channels: int = 1, on_unreadable: OnUnreadable = "error"
) -> FaceSet:
    """Read AffectNet's pictures.

    Args:
        folders: What :func:`find_affectnet` found.
        root: The path that it was looked for at.
        channels: 1 for gray, 3 for red-green-blue.
        on_unreadable: Whether a broken annotation or picture is an error or is skipped and listed in ``unreadable``.

    Raises:
        InputError: An annotation is no number of AffectNet's, or its picture is not there or cannot be read.
    """
    check_channels(channels)
    faults = Faults(on_unreadable)
    labels = NUMBERED["affectnet"]

    def annotated() -> Iterator[tuple[Path, str, str]]:
        for folder, part in folders.items():
            for file in sorted((folder / "annotations").glob(f"*{_ANNOTATION}")):
                number = ""
                try:
                    number = _number(file)
                except InputError as fault:
                    faults.add(fault)
                if number:
                    yield file, part, number

    def entries() -> Iterator[Listed]:
        rows = leave_out(str(root), list(annotated()), lambda one: number_of(one[2]) in NO_EXPRESSION)
        for file, part, number in rows:
            try:
                if (label := labels.get(int(number))) is None:
                    table = ", ".join(f"{known} {name}" for known, name in labels.items())
                    raise InputError(str(file), received=number, expected=f"0 to 7 ({table})")
                picture = _picture(file)
            except InputError as fault:
                faults.add(fault)
                continue
            yield Listed(picture, label, part, picture.relative_to(root).as_posix())

    return read_listed("AffectNet", root, entries(), channels=channels, faults=faults)


def leave_out(where: str, rows: Sequence[T], has_none: Callable[[T], bool]) -> list[T]:
    """Leave out the rows of AffectNet without an expression, with a line in the log."""
    kept = [row for row in rows if not has_none(row)]
    if left := len(rows) - len(kept):
        log.warning("%s: %d pictures are left out: AffectNet's 8 none, 9 uncertain and 10 no face", where, left)
    return kept


def _number(file: Path) -> str:
    try:
        value = _single_value(file)
        text = value.decode("ascii", "replace") if isinstance(value, bytes) else str(value).removesuffix(".0")
    except _READING_FAILS_WITH as error:
        raise InputError(str(file), received=f"no annotation: {error}", expected="AffectNet's number") from None
    if not (text.isascii() and text.isdecimal()):
        raise InputError(str(file), received=repr(text[:20]), expected="AffectNet's number, 0 to 7")
    return text


def _single_value(file: Path) -> object:
    """The one value of an array file. No more memory is taken than that, whatever the header claims."""
    with file.open("rb") as stream:
        content = io.BytesIO(stream.read(_MAX_BYTES))
    version = np.lib.format.read_magic(content)
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read_header(content)
    if math.prod(shape) != 1 or dtype.hasobject or not 0 < dtype.itemsize <= _MAX_ITEM_BYTES:
        raise ValueError(f"an array of {shape} {dtype}")
    return np.frombuffer(content.read(dtype.itemsize), dtype)[0]


def _picture(annotation: Path) -> Path:
    stem = annotation.name.removesuffix(_ANNOTATION)
    folder = annotation.parent.parent / "images"
    found = next((file for end in PICTURES if (file := folder / f"{stem}{end}").is_file()), None)
    if found is None:
        raise InputError(str(annotation), received=f"no picture {stem} in {folder}", expected="the picture it is of")
    return found
