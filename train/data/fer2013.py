"""FER2013 (Goodfellow et al. 2013), Kaggle's ``fer2013.csv``, or ``icml_face_data.csv`` with its spaced header.

Columns ``emotion``, ``pixels`` and ``Usage`` in any order; a row is one face, its pixels 48 x 48 numbers row by row.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_agent.errors import InputError
from edge_agent.model_format.labels import FER2013
from edge_agent.model_format.metadata import FACE_SIZE
from train.data.checks import Faults, OnUnreadable, check_channels
from train.data.dataset import FaceSet
from train.data.packed import read_lines

USAGES = ("Training", "PublicTest", "PrivateTest")
"""The publisher's splits, in the file's order."""

TABLE_NAMES = ("fer2013.csv", "icml_face_data.csv")
"""What Kaggle calls the table."""

_PIXELS = FACE_SIZE * FACE_SIZE
_COLUMNS = ("emotion", "pixels", "usage")
_LABELS = {str(index).encode(): index for index in range(len(FER2013))}
_USAGES = {usage.encode(): usage for usage in USAGES}
_WHERE = "Kaggle's fer2013.csv or icml_face_data.csv has them all"


@dataclass(frozen=True)
class _Row:
    pixels: NDArray[np.uint8]
    label: int
    usage: str


def load_fer2013(path: Path, *, channels: int = 1, on_unreadable: OnUnreadable = "error") -> FaceSet:
    """Read the table: plain, or packed with xz, gzip, zip or tar.

    Args:
        path: The file.
        channels: 1 for gray, 3 for the gray level repeated three times.
        on_unreadable: Whether a broken row is an error or is skipped and listed in ``unreadable``.

    Raises:
        InputError: The file is missing, empty, damaged or has other columns; or a row has an unknown class or split, a
            wrong number of pixels, or a pixel that is no whole number from 0 to 255. It names the file and the row, the
            header being row 1.
    """
    check_channels(channels)
    faults = Faults(on_unreadable)
    lines = read_lines(path, preferred=TABLE_NAMES)
    header = _header(path, next(lines, b""))
    rows, numbers = [], []
    for number, line in enumerate(lines, start=2):
        if not line.strip():
            continue
        try:
            rows.append(_row(f"{path}, row {number}", header, line))
        except InputError as fault:
            faults.add(fault)
        else:
            numbers.append(number)
    if not rows:
        received = f"no readable row ({faults.found[0]})" if faults.found else "a header and no rows"
        raise InputError(str(path), received=received, expected="one row a face", remedy="Fetch the table again")
    images = np.stack([row.pixels for row in rows]).reshape(-1, FACE_SIZE, FACE_SIZE, 1)
    nameless = np.full(len(rows), "")
    return FaceSet(
        name="FER2013",
        images=images if channels == 1 else np.repeat(images, channels, axis=-1),
        labels=np.array([row.label for row in rows], np.int64),
        classes=FER2013,
        usage=np.array([row.usage for row in rows]),
        origin=np.array([f"{path.name}:{number}" for number in numbers]),
        subject=nameless,
        sequence=nameless,
        unreadable=faults.found,
    )


def _fields(line: bytes) -> list[bytes]:
    return [field.strip(b' "') for field in line.split(b",")]


def _header(path: Path, line: bytes) -> list[str]:
    """The column names in lower case."""
    names = [name.decode("latin-1").lower() for name in _fields(line.removeprefix(b"\xef\xbb\xbf"))]
    missing = [name for name in _COLUMNS if name not in names]
    if missing:
        raise InputError(
            f"{path}, row 1",
            received=f"a header without {', '.join(missing)}: {_quoted(line)}",
            expected="the columns emotion, pixels and Usage",
            remedy=_WHERE,
        )
    return names


def _row(where: str, header: list[str], line: bytes) -> _Row:
    fields = _fields(line)
    if len(fields) != len(header):
        raise InputError(
            where,
            received=f"{len(fields)} columns",
            expected=f"{len(header)} as in the header",
            remedy="Fetch the table again",
        )
    cells = dict(zip(header, fields, strict=True))
    label = _LABELS.get(cells["emotion"])
    if label is None:
        raise InputError(
            f"{where}, emotion",
            received=_quoted(cells["emotion"]),
            expected=f"0 to {len(FER2013) - 1} ({', '.join(FER2013)})",
            remedy="Other classes can be read from folders, one a class",
        )
    usage = _USAGES.get(cells["usage"])
    if usage is None:
        raise InputError(f"{where}, Usage", received=_quoted(cells["usage"]), expected=", ".join(USAGES))
    return _Row(_parse_pixels(f"{where}, pixels", cells["pixels"]), label, usage)


def _parse_pixels(where: str, text: bytes) -> NDArray[np.uint8]:
    """``uint8 (2304,)``. Stray characters are looked for first, because older NumPy stops there with only a warning."""
    if text.translate(None, b"0123456789 "):
        stray = next(word for word in text.split(b" ") if word and not word.isdigit())
        raise InputError(where, received=_quoted(stray), expected="whole numbers from 0 to 255")
    values = np.fromstring(text.decode("ascii"), dtype=np.int64, sep=" ") if text else np.empty(0, np.int64)
    if values.size != _PIXELS:
        raise InputError(where, received=f"{values.size} values", expected=f"{_PIXELS} ({FACE_SIZE} x {FACE_SIZE})")
    highest = int(values.max())
    if highest > 255:
        raise InputError(where, received=highest, expected="whole numbers from 0 to 255")
    return values.astype(np.uint8)


def _quoted(text: bytes) -> str:
    """A value as an error message quotes it, shortened."""
    plain = text.decode("utf-8", "replace")
    return repr(plain if len(plain) <= 60 else f"{plain[:60]}...")
