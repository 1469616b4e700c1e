"""Reading one image file, whole or not at all: the same for device, still images and training.

What a file announces is read first, so that a small file cannot fill the memory.
"""

from __future__ import annotations

import logging
import re
import stat
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_agent.config import MAX_MEGAPIXELS
from edge_agent.errors import InputError
from edge_agent.vision.image_ending import ends_early, has_hole, has_more_scans, is_truncated
from edge_agent.vision.image_header import ImageHeader, read_header
from edge_agent.vision.native_stderr import DECODER_MESSAGES, held_back
from edge_agent.vision.opencv import with_warnings

log = logging.getLogger(__name__)

_REMEDY = "Replace the file, or leave it out"
_PICTURE = "a picture such as JPEG or PNG"

_MAX_BYTES_PER_PIXEL = 8
_LARGE_PX = 16_000_000
_MIN_REDUCED_SIDE_PX = 1920
_REDUCED = {2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4, 8: cv2.IMREAD_REDUCED_COLOR_8}

_CUT_OFF = re.compile(rb"(?m)^(Corrupt JPEG data: premature end of data segment|Premature end of JPEG file)")
_DAMAGED = re.compile(
    rb"(?m)^Corrupt JPEG data: (bad Huffman code|found marker|\d+ extraneous bytes before marker 0xd[0-7])"
)
_LEFT_OVER = re.compile(rb"(?m)^Corrupt JPEG data: (\d+) extraneous bytes before marker 0xd9")
_MAX_SHARE_LEFT_OVER = 1 / 64
"""Share of a JPEG behind its picture's data. Some cameras leave a little there; more is data of a part that is lost."""
_DAMAGED_OTHERWISE = re.compile(
    rb"TIFF_Error|PackBitsDecode: Discarding|Stream does not end with EOC|OpenCV TIFF: (\w+Decode\w*)?: Warning"
)
"""What the decoders of TIFF and JPEG 2000 say of a part they could not decode, before they give the rest. The last
alternative is what OpenCV makes of it up to version 4.12."""
_MAX_SCANS = 64
"""Progressive JPEGs have about ten. A small file with thousands would keep the decoder busy for minutes."""
_RARE_KINDS = ("TIFF", "BMP", "PNM", "JPEG 2000", "AVIF")
"""Formats of which OpenCV reads the usual kinds alone."""


@dataclass(frozen=True, slots=True)
class Photograph:
    """A picture in which faces are searched.

    Attributes:
        image: ``uint8 (height, width, 3)``, blue-green-red, upright; reduced where the file's picture is large.
        scale: Pixels of the file's picture to one of ``image``: 1, 2, 4 or 8.
    """

    image: NDArray[np.uint8]
    scale: int


def read_image_file(
    path: Path, mode: int = cv2.IMREAD_COLOR, *, max_megapixels: float = MAX_MEGAPIXELS
) -> NDArray[np.uint8]:
    """An image, turned upright where its metadata say how.

    Args:
        path: A JPEG, PNG or another format of :mod:`edge_agent.vision.image_header` but HEIC.
        mode: ``IMREAD_COLOR`` gives ``uint8 (height, width, 3)`` blue-green-red; ``IMREAD_ANYCOLOR`` leaves gray ones
            ``(height, width)``.
        max_megapixels: A file that announces a larger picture is refused before it is decoded.

    Raises:
        InputError: It cannot be opened, is no picture, is too large, or is cut off, which decoders fill up with gray.
    """
    content, header = _read(path, max_megapixels)
    return _decode(path, content, header, mode)


def read_photograph(path: Path, *, max_megapixels: float = MAX_MEGAPIXELS) -> Photograph:
    """A picture in which faces are searched; one of more than 16 megapixels is reduced to a side of 1920 or more.

    The detectors search no more than 960 pixels a side, so the same faces are found, with enough pixels for a crop. A
    large JPEG is decoded at the smaller size, which takes a fraction of the memory.

    Raises:
        InputError: As for :func:`read_image_file`.
    """
    content, header = _read(path, max_megapixels)
    scale = _reduction(header)
    return Photograph(_decode(path, content, header, _REDUCED.get(scale, cv2.IMREAD_COLOR)), scale)


def _read(path: Path, max_megapixels: float) -> tuple[bytes, ImageHeader]:
    """A file's content and header, both checked; nothing is decoded."""
    max_bytes = int(max_megapixels * 1e6) * _MAX_BYTES_PER_PIXEL
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            next(path.iterdir(), None)
            raise InputError(
                str(path), received="a folder without pictures", expected=_PICTURE, remedy="Check the path"
            )
        if not stat.S_ISREG(found.st_mode):
            raise InputError(str(path), received="something that is no file", expected=_PICTURE, remedy=_REMEDY)
        if found.st_size > max_bytes:
            raise InputError(
                str(path),
                received=f"a file of {found.st_size / 1e6:,.0f} MB",
                expected=f"a picture of at most {max_bytes / 1e6:,.0f} MB ({max_megapixels:g} megapixels)",
                remedy=_REMEDY,
            )
        content = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    if not content:
        raise InputError(str(path), received="an empty file", expected=_PICTURE, remedy=_REMEDY)
    header = read_header(content)
    if header is not None and header.format == "HEIC":
        raise InputError(
            str(path),
            received="a picture in the format HEIC",
            expected=_PICTURE,
            remedy="Convert it, for example with `heif-convert picture.heic picture.jpg`, or let the phone save JPEG "
            "(iPhone: Settings, Camera, Formats, Most Compatible)",
        )
    if is_truncated(content):
        raise _cut_off(path)
    if header is None:
        raise InputError(
            str(path), received=f"{len(content)} bytes that are no picture", expected=_PICTURE, remedy=_REMEDY
        )
    if not header.width or not header.height:
        raise _undecodable(path, content, header.format)
    if header.width * header.height > max_megapixels * 1e6:
        raise InputError(
            str(path),
            received=f"a {header.format} of {header.width} x {header.height} pixels "
            f"({header.width * header.height / 1e6:,.0f} megapixels)",
            expected=f"at most {max_megapixels:g} megapixels",
            remedy="Make it smaller, leave it out, or raise the limit (--max-megapixels, camera.max_megapixels)",
        )
    if has_hole(content, header.format):
        raise InputError(
            str(path),
            received=f"a {header.format} of which a part was never written",
            expected="a whole one",
            remedy=_REMEDY,
        )
    if header.format == "JPEG" and has_more_scans(content, _MAX_SCANS):
        raise InputError(
            str(path),
            received=f"a JPEG whose picture is stored in more than {_MAX_SCANS} passes",
            expected=_PICTURE,
            remedy=f"{_REMEDY}, or save it anew as JPEG or PNG",
        )
    return content, header


def decode_quietly(content: bytes, mode: int) -> tuple[NDArray[np.uint8] | None, bytes]:
    """What OpenCV decodes, ``None`` where it cannot, and what the decoder wrote to standard error."""
    with held_back(DECODER_MESSAGES) as words:
        try:
            image = cv2.imdecode(np.frombuffer(content, np.uint8), mode)
        except cv2.error:
            image = None
    return None if image is None else image.astype(np.uint8, copy=False), words.text


def _decode(path: Path, content: bytes, header: ImageHeader, mode: int) -> NDArray[np.uint8]:
    with with_warnings() if header.format in ("TIFF", "JPEG 2000") else nullcontext():
        image, said = decode_quietly(content, mode)
    if said:
        log.debug("%s: the decoder wrote: %s", path, said.decode("utf-8", "replace").strip())
    if image is None:
        raise _undecodable(path, content, header.format)
    if _CUT_OFF.search(said):
        raise _cut_off(path)
    if _DAMAGED.search(said) or _DAMAGED_OTHERWISE.search(said) or _has_much_left_over(content, said):
        raise _damaged(path, header.format)
    return image


def _has_much_left_over(content: bytes, said: bytes) -> bool:
    """Whether a JPEG's decoder had data left when the picture was full, which it is too early where some were lost."""
    found = _LEFT_OVER.search(said)
    if found is None or int(found[1]) < _MAX_SHARE_LEFT_OVER * len(content):
        return False
    end = content.rfind(b"\xff\xd9")
    return len(set(content[max(end - int(found[1]), 0) : end])) > 2  # not what fills up


def _reduction(header: ImageHeader) -> int:
    if header.width * header.height <= _LARGE_PX:
        return 1
    longer = max(header.width, header.height)
    return next((scale for scale in (8, 4, 2) if longer >= scale * _MIN_REDUCED_SIDE_PX), 1)


def _cut_off(path: Path) -> InputError:
    return InputError(str(path), received="a picture that is cut off", expected="a whole one", remedy=_REMEDY)


def _undecodable(path: Path, content: bytes, image_format: str) -> InputError:
    """What begins like a picture and is none that can be decoded."""
    return _cut_off(path) if ends_early(content, image_format) else _damaged(path, image_format)


def _damaged(path: Path, image_format: str) -> InputError:
    kinds = ", or of a rare kind" if image_format in _RARE_KINDS else ""
    convert = ", or save it anew as JPEG or PNG" if kinds else ""
    return InputError(
        str(path), received=f"a damaged {image_format}{kinds}", expected=_PICTURE, remedy=f"{_REMEDY}{convert}"
    )
