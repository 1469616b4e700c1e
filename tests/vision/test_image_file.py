"""Picture files: what they announce is read first, and cut-off ones are not taken for whole."""

from __future__ import annotations

import contextlib
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge_agent.errors import InputError
from edge_agent.vision.image_file import read_image_file, read_photograph
from edge_agent.vision.image_header import read_header
from edge_agent.vision.opencv import silence_log

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
    with pytest.raises(InputError, match="a picture that is cut off"):
        read_image_file(tmp_path / f"a{suffix}")


@pytest.mark.parametrize("lost", [1, 3, 40])
@pytest.mark.parametrize("suffix", [".webp", ".bmp", ".gif", ".jp2", ".avif", ".ppm"])
def test_a_file_that_lacks_its_last_bytes_is_read_or_called_cut_off(suffix: str, lost: int, tmp_path: Path) -> None:
    (tmp_path / f"a{suffix}").write_bytes(encoded(suffix)[:-lost])
    words = ""
    try:
        read_image_file(tmp_path / f"a{suffix}")
    except InputError as refused:
        words = str(refused)
    assert "a picture that is cut off" in words or not words


@pytest.mark.parametrize("compression", [1, 5, 8])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
def test_a_tiff_of_any_compression_that_lacks_its_end_is_called_cut_off(
    compression: int, share: float, tmp_path: Path
) -> None:
    content = encoded(".tiff", cv2.IMWRITE_TIFF_COMPRESSION, compression)
    (tmp_path / "a.tiff").write_bytes(content[: int(len(content) * share)])
    with pytest.raises(InputError, match="a picture that is cut off"):
        read_image_file(tmp_path / "a.tiff")


@pytest.mark.parametrize(("suffix", "at"), [(".png", 0.5), (".png", 0.02), (".gif", 0.5), (".avif", 0.5)])
def test_a_file_with_other_bytes_inside_is_called_damaged(suffix: str, at: float, tmp_path: Path) -> None:
    content = bytearray(encoded(suffix))
    begin = int(len(content) * at)
    content[begin : begin + 200] = bytes(200)
    (tmp_path / f"a{suffix}").write_bytes(content)
    with pytest.raises(InputError, match=f"a damaged {_FORMATS[suffix]}"):
        read_image_file(tmp_path / f"a{suffix}")


def test_a_jpeg_of_which_a_part_inside_is_missing_is_damaged_where_the_decoder_knows(tmp_path: Path) -> None:
    content = bytearray(encoded(".jpg", cv2.IMWRITE_JPEG_RST_INTERVAL, 4))
    places = [at for at in range(len(content) // 2, len(content) - 1) if content[at : at + 2] == b"\xff\xd3"]
    del content[places[0] : places[0] + 2]
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(InputError, match=r"a damaged JPEG|cut off"):
        read_image_file(tmp_path / "a.jpg")


def with_hole(content: bytes, begin: int, length: int) -> bytes:
    """Zeros in the place of bytes; what surrounds them is not zero."""
    end = begin + length
    before, behind = content[: begin - 1] + b"\x55", content[end:]
    return before + bytes(min(length, len(content) - begin)) + (b"\x55" + behind[1:] if behind else b"")


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".bmp", ".jp2", ".ppm"])
def test_a_file_with_pages_that_were_never_written_is_called_so(suffix: str, tmp_path: Path) -> None:
    content = encoded(suffix, width=960, height=640)
    (tmp_path / f"a{suffix}").write_bytes(with_hole(content, 4096, 8192))
    with pytest.raises(InputError, match=r"a part was never written|damaged"):
        read_image_file(tmp_path / f"a{suffix}")


@pytest.mark.parametrize("suffix", [".webp", ".bmp", ".jp2", ".ppm"])
def test_a_file_that_is_zeros_from_a_page_to_its_end_is_called_so(suffix: str, tmp_path: Path) -> None:
    content = encoded(suffix, width=960, height=640)
    (tmp_path / f"a{suffix}").write_bytes(with_hole(content, 8192, len(content)))
    with pytest.raises(InputError, match="a part was never written"):
        read_image_file(tmp_path / f"a{suffix}")


@pytest.mark.parametrize("suffix", _FORMATS)
def test_dark_pictures_are_read_whole(suffix: str, tmp_path: Path) -> None:
    if not cv2.haveImageWriter(f"a{suffix}"):
        pytest.skip(f"OpenCV {cv2.__version__} writes no {suffix}")
    bars = scene(640, 480)
    bars[:100] = bars[380:] = 0
    for number, image in enumerate((bars, np.zeros_like(bars), np.full_like(bars, 255))):
        path = tmp_path / f"{number}{suffix}"
        path.write_bytes(cv2.imencode(suffix, image)[1].tobytes())
        assert read_image_file(path).shape == (480, 640, 3)


@pytest.mark.parametrize("compression", [5, 8, 32773])
def test_a_compressed_tiff_with_other_bytes_inside_is_called_damaged(compression: int, tmp_path: Path) -> None:
    """Also where the log of OpenCV is silent, as the agent has it."""
    content = encoded(".tiff", cv2.IMWRITE_TIFF_COMPRESSION, compression)
    middle = len(content) // 2
    (tmp_path / "a.tiff").write_bytes(content[:middle] + b"\xff" * 4096 + content[middle + 4096 :])
    silence_log()
    with pytest.raises(InputError, match="a damaged TIFF"):
        read_image_file(tmp_path / "a.tiff")


def test_a_progressive_jpeg_of_which_a_part_inside_is_gone_is_called_damaged(tmp_path: Path) -> None:
    content = encoded(".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1, width=960, height=640)
    middle = len(content) // 2
    (tmp_path / "a.jpg").write_bytes(content[:middle] + content[middle + len(content) // 8 :])
    with pytest.raises(InputError, match=r"a damaged JPEG|cut off"):
        read_image_file(tmp_path / "a.jpg")


@pytest.mark.parametrize("padding", [b"\0" * 900, b"\xff" * 900, b"\x11\x22\x33\x44"])
def test_a_jpeg_with_something_before_its_end_marker_is_read(padding: bytes, tmp_path: Path) -> None:
    """Cameras fill up what they send."""
    (tmp_path / "a.jpg").write_bytes(encoded(".jpg")[:-2] + padding + b"\xff\xd9")
    assert read_image_file(tmp_path / "a.jpg").shape == (200, 320, 3)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_a_whole_picture_with_something_behind_it_is_read(suffix: str, tmp_path: Path) -> None:
    """Phones append a film or a depth map."""
    (tmp_path / f"a{suffix}").write_bytes(encoded(suffix) + b"something else" * 1000)
    assert read_image_file(tmp_path / f"a{suffix}").shape == (200, 320, 3)


def test_a_picture_of_a_rare_kind_is_told_how_to_be_saved(tmp_path: Path) -> None:
    content = bytearray(encoded(".tiff", cv2.IMWRITE_TIFF_COMPRESSION, 1))
    order: Literal["little", "big"] = "little" if content.startswith(b"II") else "big"
    at = int.from_bytes(content[4:8], order) + 2
    while int.from_bytes(content[at : at + 2], order) != 259:
        at += 12
    content[at + 8 : at + 10] = (34676).to_bytes(2, order)
    (tmp_path / "a.tiff").write_bytes(content)
    with pytest.raises(InputError, match=r"a damaged TIFF, or of a rare kind.*save it anew as JPEG or PNG"):
        read_image_file(tmp_path / "a.tiff")


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


def test_a_small_jpeg_of_thousands_of_passes_is_not_decoded(tmp_path: Path) -> None:
    path = tmp_path / "passes.jpg"
    whole = encoded(".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    last = whole[whole.rfind(b"\xff\xda") : -2]
    for passes, refused in ((20, False), (3000, True)):
        # A film behind the picture may hold any bytes.
        path.write_bytes(whole[:-2] + last * passes + whole[-2:] + b"\xff\xda" * 100)
        if refused:
            with pytest.raises(InputError, match="a JPEG whose picture is stored in more than 64 passes"):
                read_photograph(path)
        else:
            assert read_photograph(path).image.shape == (200, 320, 3)


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
    with pytest.raises(InputError, match="a damaged PNG"):
        read_image_file(path)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("suffix", _FORMATS)
def test_damage_of_no_format_brings_a_foreign_line(
    suffix: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Also where OpenCV's own log is on, as in the commands for training."""
    opencv = cv2.utils.logging if hasattr(cv2.utils, "logging") else None
    if opencv is None:
        pytest.skip(f"OpenCV {cv2.__version__} names its log otherwise")
    before = opencv.getLogLevel()
    opencv.setLogLevel(opencv.LOG_LEVEL_WARNING)
    try:
        rng = np.random.default_rng(16)
        for _ in range(30):
            content = bytearray(encoded(suffix, width=64, height=48))
            for at in rng.integers(20, len(content), 4):
                content[at] ^= 1 << rng.integers(0, 8)
            (tmp_path / f"a{suffix}").write_bytes(content)
            with contextlib.suppress(InputError):
                read_image_file(tmp_path / f"a{suffix}", max_megapixels=5)
    finally:
        opencv.setLogLevel(before)
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


def test_pictures_are_read_and_cropped_where_the_system_has_no_files_in_memory(tmp_path: Path) -> None:
    """Neither Windows nor macOS has them, and Windows has no ``fcntl``; people train there."""
    (tmp_path / "photo.jpg").write_bytes(encoded(".jpg"))
    code = (
        "import os, sys; del os.memfd_create; sys.modules['fcntl'] = None\n"
        "import train.data.load, train.prepare.pipeline\n"
        "from pathlib import Path; from edge_agent.vision.image_file import read_image_file\n"
        "print(read_image_file(Path(sys.argv[1])).ndim)"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "photo.jpg"], capture_output=True, timeout=120)
    assert (done.returncode, done.stdout.strip()) == (0, b"3"), done.stderr.decode()


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


def tiff(*entries: tuple[int, int, int], data: bytes) -> bytes:
    """A gray TIFF: tags with a type and a value each, in this order; the picture's data last."""
    directory = struct.pack("<H", len(entries)) + b"".join(
        struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries
    )
    return b"II*\0" + struct.pack("<I", 8) + directory + bytes(4) + data


def _two_sizes() -> dict[str, bytes]:
    """Pictures of 300 x 200 pixels that seem to announce 8 x 8."""
    gray = bytes(300 * 200)
    small_frame = b"\xff\xc0\x00\x11\x08\x00\x08\x00\x08\x03\x01\x11\x00\x02\x11\x00\x03\x11\x00"
    jpeg = encoded(".jpg", width=300, height=200)
    comment = b"\xff\xfe" + struct.pack(">H", 2 + len(small_frame)) + small_frame
    begin = 8 + 2 + 15 * 12 + 4
    tags = [(258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, begin), (277, 3, 1), (278, 3, 200), (279, 4, len(gray))]
    others = [(282, 3, 1), (283, 3, 1), (284, 3, 1), (296, 3, 1)]
    doubled = [(256, 3, 300), (256, 3, 8), (257, 3, 200), (257, 3, 8), *tags, *others]
    jp2 = encoded(".jp2", width=300, height=200) if cv2.haveImageWriter("a.jp2") else b""
    small_stream = b"\xff\x4f\xff\x51" + struct.pack(">HHIIII", 47, 0, 8, 8, 0, 0) + bytes(20)
    at = jp2.find(b"jp2c") - 4
    free = struct.pack(">I", 8 + len(small_stream)) + b"free" + small_stream
    return {
        "a comment that ends at a carriage return": b"P5\n#c\r300 200 255\n#\n 8 8 255\n" + gray,
        "behind the head of a PAM": b"P7\nWIDTH 300\nHEIGHT 200\nDEPTH 1\nMAXVAL 255\nTUPLTYPE GRAYSCALE\nENDHDR\n"
        + (b"WIDTH 8\nHEIGHT 8\n" + gray)[: len(gray)],
        "between the markers of a JPEG": b"\xff\xd8\xff\x00\x00\x06" + comment + jpeg[2:],
        "twice in a TIFF": tiff(*doubled, data=gray),
        "in a box of a JPEG 2000": jp2[:at] + free + jp2[at:] if at > 0 else b"",
    }


@pytest.mark.parametrize("trick", _two_sizes())
def test_no_decoder_finds_more_pixels_than_the_header_announced(trick: str) -> None:
    content = _two_sizes()[trick]
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) if content else None
    header = read_header(content)
    announced = header.width * header.height if header is not None else 0
    assert announced == 0 or image is None or announced >= image.shape[0] * image.shape[1]


def test_a_small_picture_with_a_gigantic_tile_is_refused(tmp_path: Path) -> None:
    tags = [(256, 3, 8), (257, 3, 8), (258, 3, 8), (259, 3, 1), (262, 3, 1), (277, 3, 1)]
    (tmp_path / "a.tiff").write_bytes(tiff(*tags, (322, 4, 32768), (323, 4, 16384), data=bytes(64)))
    with pytest.raises(InputError, match="32768 x 16384 pixels"):
        read_image_file(tmp_path / "a.tiff")
