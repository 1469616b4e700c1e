"""Looks for pictures, crops and embeddings in bytes: by first bytes of formats, by pixels, as text, as numbers."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

_FORMATS = {
    "JPEG": re.compile(rb"\xff\xd8\xff[\xc0-\xfe]"),
    "PNG": re.compile(rb"\x89PNG\r\n"),
    "GIF": re.compile(rb"GIF8[79]a"),
    "WebP": re.compile(rb"RIFF.{4}WEBP", re.DOTALL),
    "TIFF": re.compile(rb"II\x2a\x00[\x08-\xff]\x00|MM\x00\x2a\x00\x00"),
    "HEIC or AVIF": re.compile(rb"ftyp(?:heic|heix|mif1|avif)"),
    "JPEG 2000": re.compile(rb"\x00\x00\x00\x0cjP  "),
    "PNM": re.compile(rb"P[56]\s+\d+\s+\d+\s+255\s"),
    "NumPy array": re.compile(rb"\x93NUMPY"),
}
RUN = 12
"""Pixels in a row that count as part of a picture."""
_MIN_DISTINCT = 6
"""Runs with fewer different values than this are everywhere, in files of zeros too."""
_EMBEDDING = 32
"""Numbers in a row that count as an embedding: far more than there are expressions."""
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{64,}={0,2}")
_HEX = re.compile(rb"(?:[0-9a-fA-F]{2}){40,}")
_NUMBERS = re.compile(
    rb"\[\s*-?\d+(?:\.\d+)?(?:e[+-]?\d+)?(?:\s*,\s*-?\d+(?:\.\d+)?(?:e[+-]?\d+)?){%d,}" % (_EMBEDDING - 1)
)


def pixel_runs(picture: NDArray[np.uint8]) -> set[bytes]:
    """What is looked for of a picture: short runs of neighbouring pixels in its rows, flat ones left out.

    Args:
        picture: ``(height, width)`` or ``(height, width, 3)``; of a coloured one, the gray levels as well.
    """
    planes = [picture.reshape(len(picture), -1)]
    if picture.ndim == 3:
        planes.append((picture @ np.array([0.114, 0.587, 0.299])).round().astype(np.uint8))
    runs = set()
    for plane in planes:
        for row in plane:
            data = row.tobytes()
            runs |= {data[at : at + RUN] for at in range(0, len(data) - RUN + 1, RUN)}
    return {run for run in runs if len(set(run)) >= _MIN_DISTINCT}


class ImageSearch:
    """Searches bytes for anything of the pictures it was given, and for pictures in general.

    Args:
        runs: Of all pictures that were seen, as :func:`pixel_runs` gives them.
    """

    def __init__(self, runs: Iterable[bytes]) -> None:
        self._runs = frozenset(runs)

    def findings(self, data: bytes) -> list[str]:
        """What was found, in words; empty where there is nothing."""
        found = [f"the first bytes of a {name}" for name, pattern in _FORMATS.items() if pattern.search(data)]
        for name, version in (("as they are", data), *_decoded(data)):
            if self._has_pixels(version):
                found.append(f"pixels {name}")
            if name != "as they are":
                found += [
                    f"the first bytes of a {kind} {name}" for kind, form in _FORMATS.items() if form.search(version)
                ]
            if _has_floats(version):
                found.append(f"a row of numbers like an embedding, {name}")
        if _NUMBERS.search(data):
            found.append("a long list of numbers")
        return found

    def _has_pixels(self, data: bytes) -> bool:
        return any(data[at : at + RUN] in self._runs for at in range(len(data) - RUN + 1))


def _decoded(data: bytes) -> Iterator[tuple[str, bytes]]:
    for match in _BASE64.finditer(data):
        text = match[0].rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
        for shift in range(4):  # a longer text may have run into it
            part = text[shift:]
            part = part[: len(part) // 4 * 4]
            yield "in base64", base64.b64decode(part)
    for match in _HEX.finditer(data):
        for shift in (0, 1):
            part = match[0][shift:]
            yield "in hexadecimal", binascii.unhexlify(part[: len(part) // 2 * 2])
    for match in _NUMBERS.finditer(data):
        numbers = [float(number) for number in match[0][1:].split(b",")]
        if all(number == int(number) and 0 <= number <= 255 for number in numbers):
            yield "as a list of numbers", bytes(map(int, numbers))


def _has_floats(data: bytes) -> bool:
    """Whether there is a row of 32-bit floats of the size that a network's inner values have."""
    for offset in range(4):
        values = np.frombuffer(data, "<f4", count=max(0, len(data) - offset) // 4, offset=min(offset, len(data)))
        with np.errstate(all="ignore"):
            size = np.abs(values)
            likely = (size > 1e-4) & (size < 1e3)
        breaks = np.flatnonzero(np.concatenate(([True], ~likely, [True])))
        if np.diff(breaks).max() > _EMBEDDING:
            return True
    return False
