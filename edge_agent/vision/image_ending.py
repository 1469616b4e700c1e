"""Whether the file of a picture ends before what it announces: told from damage, so that the message names the fault.

JPEG and PNG have a mark at their end. Other formats announce how long they are. A file may also have its whole length
and lack its content, since a power cut or a broken disk leaves zeros in place of whole pages.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Final, Literal

import numpy as np

_ByteOrder = Literal["big", "little"]

_PNG_END: Final = b"IEND\xaeB`\x82"
_JPEG_SCAN, _JPEG_END = b"\xda", b"\xff\xd9"
_MARKER_IN_SCAN: Final = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)
_GIF_END: Final = b";"
_MAX_ENTRIES: Final = 4096
_PAGE: Final = 4096
"""Bytes that file systems write at once."""
_WITHOUT_CHECK: Final = ("JPEG", "WebP", "BMP", "PNM", "JPEG 2000")
"""Formats whose decoders may take a part of zeros for a part of the picture."""
_MAX_STRIPS: Final = 100_000
_TIFF_BYTES: Final = {1: 1, 3: 2, 4: 4, 16: 8}
_STRIPS, _STRIP_BYTES = (273, 324), (279, 325)
"""Tags of a TIFF: where its strips or tiles begin, and how long they are."""


def is_truncated(content: bytes) -> bool:
    """Whether a JPEG or PNG lacks its end marker, so that a decoder fills it up. Of other formats nothing is said."""
    if content.startswith(b"\x89PNG"):
        return _PNG_END not in content
    if not content.startswith(b"\xff\xd8"):
        return False
    at = 2
    while content[at : at + 1] == b"\xff":
        marker = content[at + 1 : at + 2]
        if marker == _JPEG_SCAN:
            # Within the picture's own data every 0xff is escaped, so this cannot be found by accident, and the end of
            # a thumbnail in the metadata before is not mistaken for it.
            return content.find(_JPEG_END, at) < 0
        at = _behind_segment(content, at)
    return at >= len(content)


def _behind_segment(content: bytes, at: int) -> int:
    """Where the segment of a JPEG ends that begins here; the next place where this is only a byte that fills up."""
    if content[at + 1 : at + 2] == b"\xff":
        return at + 1
    return at + 2 + int.from_bytes(content[at + 2 : at + 4], "big")


def has_more_scans(content: bytes, limit: int) -> bool:
    """Whether a JPEG stores its picture in more passes over it than that. Each of them costs a pass over all pixels."""
    at, scans = 2, 0
    while scans <= limit and content[at : at + 1] == b"\xff":
        marker = content[at + 1 : at + 2]
        if marker == _JPEG_END[1:]:
            return False
        at = _behind_segment(content, at)
        if marker == _JPEG_SCAN:
            scans += 1
            found = _MARKER_IN_SCAN.search(content, at)
            if found is None:
                break
            at = found.start()
    return scans > limit


def ends_early(content: bytes, image_format: str) -> bool:
    """Whether a file that cannot be decoded is shorter than it announces.

    Args:
        content: The whole file.
        image_format: See :class:`~edge_agent.vision.image_header.ImageHeader`.
    """
    if image_format in _ANNOUNCED:
        return _ANNOUNCED[image_format](content) > len(content)
    return image_format == "GIF" and not content.rstrip(b"\0").endswith(_GIF_END)


def has_hole(content: bytes, image_format: str) -> bool:
    """Whether pages of the file were never written, in a format whose decoder does not notice.

    A dark part of a picture is zeros as well. It is told by where it begins and ends: hardly ever where a page does.

    Args:
        content: The whole file.
        image_format: See :class:`~edge_agent.vision.image_header.ImageHeader`.
    """
    if image_format not in _WITHOUT_CHECK:
        return False
    if image_format == "JPEG":  # behind whose end there may be anything
        content = content[: content.rfind(_JPEG_END) + 2]
    whole = len(content) // _PAGE
    written = np.frombuffer(content, np.uint8, whole * _PAGE).reshape(whole, _PAGE).any(axis=1)
    last = bool(content[whole * _PAGE :].strip(b"\0"))
    edges = np.flatnonzero(np.diff(np.concatenate(([True], written, [last, True]))))
    return any(_begins_and_ends_with_pages(content, *pair) for pair in edges.reshape(-1, 2).tolist())


def _begins_and_ends_with_pages(content: bytes, first: int, behind: int) -> bool:
    """Whether what surrounds pages of zeros is other than zero, to the byte.

    Args:
        content: The whole file.
        first: Number of the first page of zeros.
        behind: Number of the page behind the last one.
    """
    start, end = first * _PAGE, behind * _PAGE
    at_end = end >= len(content)
    return first > 0 and content[start - 1] != 0 and len(content) - start >= _PAGE and (at_end or content[end] != 0)


def _riff_bytes(content: bytes) -> int:
    return _number(content, 4, 4, "little") + 8


def _bmp_bytes(content: bytes) -> int:
    """The length in a BMP's head, or what its rows take where they are not compressed."""
    if _number(content, 14, 4, "little") < 40 or _number(content, 30, 4, "little") not in (0, 3):
        return max(_number(content, 2, 4, "little"), 54)
    width, height = (abs(int.from_bytes(content[at : at + 4], "little", signed=True)) for at in (18, 22))
    row = (width * _number(content, 28, 2, "little") + 31) // 32 * 4
    return _number(content, 10, 4, "little") + row * height


def _tiff_bytes(content: bytes) -> int:
    """Where the last part of a TIFF's first picture ends that its directory names."""
    order: _ByteOrder = "little" if content.startswith(b"II") else "big"
    big = _number(content, 2, 2, order) == 43
    word = 8 if big else 4
    at = _number(content, word, word, order)
    count, entry = (_number(content, at, 8, order), 20) if big else (_number(content, at, 2, order), 12)
    at += 8 if big else 2
    end = at + min(count, _MAX_ENTRIES) * entry
    if end > len(content):
        return end
    found: dict[int, list[int]] = {}
    for _ in range(min(count, _MAX_ENTRIES)):
        tag, size = _number(content, at, 2, order), _TIFF_BYTES.get(_number(content, at + 2, 2, order), 0)
        numbers = min(_number(content, at + 4, word, order), _MAX_STRIPS)
        place = at + 4 + word
        if numbers * size > word:
            place = _number(content, place, word, order)
            end = max(end, place + numbers * size)
        if tag in (*_STRIPS, *_STRIP_BYTES) and tag not in found and end <= len(content):
            found[tag] = [_number(content, place + size * number, size, order) for number in range(numbers)]
        at += entry
    for begins, lengths in zip(_STRIPS, _STRIP_BYTES, strict=True):
        ends = (a + b for a, b in zip(found.get(begins, ()), found.get(lengths, ()), strict=False))
        end = max(end, max(ends, default=0))
    return end


def _pnm_bytes(content: bytes) -> int:
    """What the head and the rows of a binary PBM, PGM, PPM or PAM take; 0 for other kinds."""
    if content.startswith(b"P7"):
        head_text, end, _ = content[:4096].partition(b"ENDHDR\n")
        named = dict(re.findall(rb"(?m)^(WIDTH|HEIGHT|DEPTH|MAXVAL)\s+(\d{1,9})", head_text))
        samples = math.prod(int(named.get(name, 0)) for name in (b"WIDTH", b"HEIGHT", b"DEPTH"))
        return len(head_text) + len(end) + samples * (2 if int(named.get(b"MAXVAL", 0)) > 255 else 1)
    gap = rb"(?:\s|#[^\r\n]*[\r\n])+"
    head = re.match(rb"P([456])" + gap + rb"(\d{1,9})" + gap + rb"(\d{1,9})(?:" + gap + rb"(\d{1,5}))?\s", content)
    if head is None:
        return 0
    width, height = int(head[2]), int(head[3])
    if head[1] == b"4":
        return head.end(3) + 1 + (width + 7) // 8 * height
    samples = width * height * (3 if head[1] == b"6" else 1)
    return head.end() + samples * (2 if int(head[4] or 255) > 255 else 1)


def _boxes_bytes(content: bytes) -> int:
    """Where the last box of a JPEG 2000 or AVIF ends that begins in the file."""
    at = 0
    for _ in range(_MAX_ENTRIES):
        if at >= len(content):
            break
        size = _number(content, at, 4, "big")
        if size == 1:
            size = _number(content, at + 8, 8, "big")
        if size == 0:  # to the end of the file, wherever that is
            return at + 8
        at += max(size, 8)
    return at


_ANNOUNCED: Final[Mapping[str, Callable[[bytes], int]]] = {
    "WebP": _riff_bytes,
    "BMP": _bmp_bytes,
    "TIFF": _tiff_bytes,
    "PNM": _pnm_bytes,
    "JPEG 2000": _boxes_bytes,
    "AVIF": _boxes_bytes,
}


def _number(content: bytes, at: int, count: int, order: _ByteOrder) -> int:
    """A whole number; what lies behind the end counts as nothing."""
    return int.from_bytes(content[at : at + count], order)
