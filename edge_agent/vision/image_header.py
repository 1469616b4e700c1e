"""What an image file announces: its format, width and height, read from its first bytes and before any pixel.

A small file may announce a picture that fills the memory. One function for each format reads the numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

_ByteOrder = Literal["big", "little"]
_Size = tuple[int, int]

_AVIF_BRANDS = {b"avif", b"avis"}
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
_MAX_IFD_ENTRIES = 4096
_TIFF_SIZE, _TIFF_TILE = (256, 257), (322, 323)
_TIFF_BYTES = {1: 1, 3: 2, 4: 4, 6: 1, 8: 2, 9: 4, 16: 8, 17: 8}
"""Bytes of a number by its type, with those of the signed ones, which decoders accept."""
_PAM = (b"WIDTH", b"HEIGHT")


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """What a file announces.

    Attributes:
        format: ``JPEG``, ``PNG``, ``WebP``, ``BMP``, ``GIF``, ``TIFF``, ``PNM``, ``JPEG 2000``, ``AVIF`` or ``HEIC``.
        width: In pixels, before it is turned upright; 0 where it is not found.
        height: In pixels; 0 where it is not found.
    """

    format: str
    width: int
    height: int


def read_header(content: bytes) -> ImageHeader | None:
    """The header of a file's content; ``None`` where it is none of the formats above."""
    for name, is_it, size_of in _FORMATS:
        if is_it(content):
            width, height = size_of(content) or (0, 0)
            return ImageHeader(name, max(width, 0), max(height, 0))
    return None


def jpeg_size(content: bytes) -> _Size | None:
    """Width and height of a JPEG: those of its frame header, which follows metadata of any length."""
    at = 2
    while content[at : at + 1] == b"\xff" and at + 4 <= len(content):
        marker = content[at + 1]
        if marker == 0xFF:  # padding
            at += 1
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return _number(content, at + 7, 2), _number(content, at + 5, 2)
        elif marker == 0x00:  # no marker: a decoder would look for the next one elsewhere than this function
            return None
        elif marker == 0x01 or 0xD0 <= marker <= 0xD8:  # markers without a length
            at += 2
        else:
            at += 2 + max(_number(content, at + 2, 2), 2)
    return None


def png_size(content: bytes) -> _Size | None:
    """Width and height of a PNG, which its first chunk holds."""
    return (_number(content, 16, 4), _number(content, 20, 4)) if content[12:16] == b"IHDR" else None


def webp_size(content: bytes) -> _Size | None:
    """Width and height of a WebP: lossy, lossless, or extended (of its canvas)."""
    kind = content[12:16]
    if kind == b"VP8X":
        return _number(content, 24, 3, "little") + 1, _number(content, 27, 3, "little") + 1
    if kind == b"VP8L":
        bits = _number(content, 21, 4, "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        return _number(content, 26, 2, "little") & 0x3FFF, _number(content, 28, 2, "little") & 0x3FFF
    return None


def bmp_size(content: bytes) -> _Size | None:
    """Width and height of a BMP; the height is negative in a file whose rows go down."""
    if _number(content, 14, 4, "little") == 12:  # of OS/2
        return _number(content, 18, 2, "little"), _number(content, 20, 2, "little")
    height = int.from_bytes(content[22:26], "little", signed=True)
    return abs(int.from_bytes(content[18:22], "little", signed=True)), abs(height)


def gif_size(content: bytes) -> _Size | None:
    """Width and height of a GIF's screen."""
    return _number(content, 6, 2, "little"), _number(content, 8, 2, "little")


def tiff_size(content: bytes) -> _Size | None:
    """Width and height of a TIFF's or BigTIFF's first picture, whose directory may be anywhere in the file.

    A tile may be larger than the picture, and is decoded whole. Of a number that stands there twice, the larger counts.
    """
    order: _ByteOrder = "little" if content.startswith(b"II") else "big"
    big = _number(content, 2, 2, order) == 43
    at = _number(content, 8, 8, order) if big else _number(content, 4, 4, order)
    count, entry_bytes = (_number(content, at, 8, order), 20) if big else (_number(content, at, 2, order), 12)
    at += 8 if big else 2
    found = dict.fromkeys((*_TIFF_SIZE, *_TIFF_TILE), 0)
    for _ in range(min(count, _MAX_IFD_ENTRIES)):
        tag, kind = _number(content, at, 2, order), _number(content, at + 2, 2, order)
        if tag in found:
            value = _number(content, at + (12 if big else 8), _TIFF_BYTES.get(kind, 0), order)
            found[tag] = max(found[tag], value)
        at += entry_bytes
    if not all(found[tag] for tag in _TIFF_SIZE):
        return None
    width, height = (max(found[size], found[tile]) for size, tile in zip(_TIFF_SIZE, _TIFF_TILE, strict=True))
    return width, height


def pnm_size(content: bytes) -> _Size | None:
    """Width and height of a PBM, PGM, PPM, PAM or PFM, which are written out; comments stand between them."""
    text = re.sub(rb"#[^\r\n]*", b" ", content[:4096])
    if text.startswith(b"P7"):
        named = re.findall(rb"\b(WIDTH|HEIGHT)\s+(\d{1,10})", text.partition(b"ENDHDR")[0])
        width, height = (max((int(size) for name, size in named if name == of), default=0) for of in _PAM)
        return width, height
    found = re.match(rb"P[1-6Ff]\s+(\d{1,10})\s+(\d{1,10})\s", text)
    return (int(found[1]), int(found[2])) if found else None


def jpeg2000_size(content: bytes) -> _Size | None:
    """Width and height of a JPEG 2000: the largest that its file header or something like a code stream announces."""
    sizes = [(_number(content, at + 8, 4), _number(content, at + 4, 4)) for at in _places(b"ihdr", content)]
    for at in _places(b"\xff\x4f\xff\x51", content):
        right, bottom, left, top = (_number(content, at + 8 + 4 * place, 4) for place in range(4))
        sizes.append((max(right - left, 0), max(bottom - top, 0)))
    return max(sizes, key=lambda size: size[0] * size[1], default=None)


def avif_size(content: bytes) -> _Size | None:
    """Width and height of an AVIF's or HEIC's largest picture, wherever in the file it is announced."""
    sizes = [(_number(content, at + 8, 4), _number(content, at + 12, 4)) for at in _places(b"ispe", content)]
    return max(sizes, key=lambda size: size[0] * size[1], default=None)


def _places(mark: bytes, content: bytes) -> Iterator[int]:
    return (found.start() for found in re.finditer(re.escape(mark), content))


def _number(content: bytes, at: int, count: int, order: _ByteOrder = "big") -> int:
    """A whole number; what lies behind the end counts as nothing."""
    return int.from_bytes(content[at : at + count], order)


def _brands(content: bytes) -> set[bytes]:
    """The brands of a file of the family of MP4: the main one and those it is compatible with."""
    if content[4:8] != b"ftyp":
        return set()
    end = min(_number(content, 0, 4), 512)
    return {content[8:12], *(content[at : at + 4] for at in range(16, end, 4))}


_FORMATS: tuple[tuple[str, Callable[[bytes], bool], Callable[[bytes], _Size | None]], ...] = (
    ("JPEG", lambda content: content.startswith(b"\xff\xd8\xff"), jpeg_size),
    ("PNG", lambda content: content.startswith(b"\x89PNG\r\n\x1a\n"), png_size),
    ("WebP", lambda content: content.startswith(b"RIFF") and content[8:12] == b"WEBP", webp_size),
    ("GIF", lambda content: content.startswith((b"GIF87a", b"GIF89a")), gif_size),
    ("TIFF", lambda content: content.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")), tiff_size),
    ("JPEG 2000", lambda content: content.startswith((b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51")), jpeg2000_size),
    ("AVIF", lambda content: bool(_brands(content) & _AVIF_BRANDS), avif_size),
    ("HEIC", lambda content: bool(_brands(content) & _HEIC_BRANDS), avif_size),
    ("PNM", lambda content: re.match(rb"P[1-7Ff]\s", content) is not None, pnm_size),
    ("BMP", lambda content: content.startswith(b"BM"), bmp_size),
)
