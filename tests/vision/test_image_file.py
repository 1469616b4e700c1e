"""Picture files: what they announce is read first, and cut-off ones are not taken for whole."""

from __future__ import annotations

import contextlib
import os
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge_agent.errors import InputError
from edge_agent.vision.image_file import read_image_file, read_photograph
from edge_agent.vision.image_header import read_header

_FORMATS = dict(
    zip(
        (".jpg", ".png", ".webp", ".bmp", ".gif", ".tiff", ".jp2", ".avif", ".ppm", ".pam"),
        ("JPEG", "PNG", "WebP", "BMP", "GIF", "TIFF", "JPEG 2000", "AVIF", "PNM", "PNM"),
        strict=True,
    )
)


def scene(width: int = 320, height: int = 200) -> NDArray[np.uint8]:
    noise = np.random.default_rng(5).integers(0, 256, (height, width, 3), np.uint8)
    return np.asarray(cv2.GaussianBlur(noise, (0, 0), 2), np.uint8)


def encoded(suffix: str, *options: int, width: int = 320, height: int = 200) -> bytes:
    if not cv2.haveImageWriter(f"a{suffix}"):
        pytest.skip(f"OpenCV {cv2.__version__} writes no {suffix}")
    return cv2.imencode(suffix, scene(width, height), list(options))[1].tobytes()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def gray_png(width: int, height: int, rows: int | None = None, *more: bytes) -> bytes:
    packer = zlib.compressobj(9)
    lines = b"".join(packer.compress(bytes(width + 1)) for _ in range(height if rows is None else rows))
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    data = chunk(b"IDAT", lines + packer.flush())
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(more) + data + chunk(b"IEND", b"")


@pytest.mark.parametrize("suffix", _FORMATS)
def test_each_format_is_read_by_its_header_and_then_whole(suffix: str, tmp_path: Path) -> None:
    content = encoded(suffix)
    header = read_header(content)
    assert header is not None
    assert (header.format, header.width, header.height) == (_FORMATS[suffix], 320, 200)
    (tmp_path / f"a{suffix}").write_bytes(content)
    assert read_image_file(tmp_path / f"a{suffix}").shape == (200, 320, 3)


@pytest.mark.parametrize("suffix", _FORMATS)
def test_past_the_limit_each_format_is_refused_by_name(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(encoded(suffix))
    with pytest.raises(InputError, match=rf"{path.name}: got a {_FORMATS[suffix]} of 320 x 200 pixels") as refused:
        read_image_file(path, max_megapixels=0.06)
    assert "expected at most 0.06 megapixels" in str(refused.value)


@pytest.mark.parametrize("suffix", _FORMATS)
def test_half_a_file_of_each_format_is_refused(suffix: str, tmp_path: Path) -> None:
    content = encoded(suffix)
    (tmp_path / f"a{suffix}").write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError):
        read_image_file(tmp_path / f"a{suffix}")


def test_webp_and_bmp_variants_announce_their_size() -> None:
    lossy = encoded(".webp", cv2.IMWRITE_WEBP_QUALITY, 80)
    assert lossy[12:16] == b"VP8 "
    bmp = bytearray(encoded(".bmp"))
    bmp[22:26] = struct.pack("<i", -200)
    for content in (lossy, encoded(".webp", cv2.IMWRITE_WEBP_QUALITY, 101), bytes(bmp)):
        header = read_header(content)
        assert header is not None
        assert (header.width, header.height) == (320, 200)


def test_a_small_file_that_unpacks_to_gigabytes_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(gray_png(30_000, 30_000, rows=1))
    with pytest.raises(InputError, match="a PNG of 30000 x 30000 pixels \\(900 megapixels\\)"):
        read_image_file(path)


@pytest.mark.parametrize("options", [(), (cv2.IMWRITE_JPEG_PROGRESSIVE, 1), (cv2.IMWRITE_JPEG_RST_INTERVAL, 4)])
@pytest.mark.parametrize("share", [0.3, 0.5, 0.9])
def test_a_jpeg_whose_lower_part_is_missing_is_cut_off_even_with_an_end_marker(
    options: tuple[int, ...], share: float, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    whole = encoded(".jpg", *options)
    path = tmp_path / "half.jpg"
    path.write_bytes(whole[: int(len(whole) * share)] + b"\xff\xd9")
    with pytest.raises(InputError, match="a picture that is cut off"):
        read_image_file(path)
    path.write_bytes(whole)
    assert read_image_file(path).shape == (200, 320, 3)
    assert capfd.readouterr().err == ""


def test_words_of_the_decoders_stay_off_the_screen(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "gray.png"
    path.write_bytes(gray_png(60, 40, None, chunk(b"iCCP", b"ICC Profile\0\0" + zlib.compress(bytes(200)))))
    assert read_image_file(path).shape == (40, 60, 3)
    path.write_bytes(gray_png(60, 40, rows=20))
    with pytest.raises(InputError, match="no picture"):
        read_image_file(path)
    assert capfd.readouterr().err == ""


def test_heic_is_named_as_such_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "phone.heic"
    path.write_bytes(struct.pack(">I", 24) + b"ftypheic" + bytes(4) + b"mif1heic" + bytes(400))
    with pytest.raises(InputError, match=r"phone.heic: got a picture in the format HEIC.*heif-convert"):
        read_image_file(path)


def test_what_is_no_file_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    for path, words in ((tmp_path / "pipe.jpg", "no file"), (tmp_path, "Is a directory|folder")):
        with pytest.raises(InputError, match=words):
            read_image_file(path)


def test_a_large_photograph_is_reduced_and_says_by_how_much(tmp_path: Path) -> None:
    path = tmp_path / "large.jpg"
    cv2.imwrite(str(path), cv2.resize(scene(), (8660, 5773)))
    photo = read_photograph(path)
    assert (photo.image.shape, photo.scale) == ((1444, 2165, 3), 4)
    path.write_bytes(encoded(".jpg"))
    assert read_photograph(path).scale == 1


def test_random_bytes_behind_a_known_beginning_are_an_error_and_no_crash(tmp_path: Path) -> None:
    rng = np.random.default_rng(9)
    path = tmp_path / "random"
    for suffix in _FORMATS:
        whole = encoded(suffix)
        for _ in range(40):
            content = bytearray(whole)
            for at in rng.integers(0, min(len(whole), 400), 6):
                content[at] = rng.integers(0, 256)
            read_header(bytes(content[: rng.integers(1, len(content))]))
            path.write_bytes(bytes(content))
            with contextlib.suppress(InputError):
                read_image_file(path, max_megapixels=5)
