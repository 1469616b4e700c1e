"""Photos and recordings as sources of frames. They are lossless: every photo and every frame reaches the consumer.

They are shown as they were found: a file that changes meanwhile may be what a camera writes.
"""

from __future__ import annotations

import logging
import math
import re
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import cv2

from edge_agent.config import MAX_MEGAPIXELS, CameraSettings
from edge_agent.errors import CameraError, InputError
from edge_agent.types import Image
from edge_agent.vision.image_file import read_photograph
from edge_agent.vision.sources.base import GuardedSource, Pacer, PictureLoss
from edge_agent.vision.sources.capture import check_announced, retrieved
from edge_agent.vision.sources.timetable import Timetable

log = logging.getLogger(__name__)

IMAGE_SUFFIXES = (
    *(".avif", ".bmp", ".dib", ".gif", ".heic", ".heif", ".j2k", ".jp2", ".jpe", ".jpeg", ".jpg", ".pbm", ".pgm"),
    *(".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp"),
)
"""Files of a folder that count as photos. ``.heic``, which OpenCV cannot read, is one: reported, not passed over."""

_MAX_BOXES = 1000

MIN_SHOWINGS = 5
"""Frames that every photo gets even where the pipeline is slower than ``image_s`` allows: trackers need several."""


class ImageSource(GuardedSource):
    """One photo or a folder of them, in natural order (``img2`` before ``img10``), each shown as a still scene.

    A photo is delivered at ``fps`` for ``image_s`` seconds and at least five times. Unreadable photos are named in the
    log once and skipped, and so are those that have changed since the source was opened. Subfolders are not entered.

    Raises:
        CameraError: The path does not exist, holds no photo, or none of them can be read.
    """

    lossless = True

    def __init__(self, settings: CameraSettings, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self.name = settings.path
        self._paths = find_images(Path(settings.path))
        self._found = _Found(self._paths)
        self._repeat, self._show_s = settings.repeat, settings.image_s
        self._max_megapixels = settings.max_megapixels
        self._clock = clock
        self._pacer = Pacer(settings.fps, self._closed, clock)
        self._waiting = deque(self._paths)
        self._unreadable: dict[Path, CameraError] = {}
        self._image = self._load_next()
        self._showings, self._shown_since = 0, 0.0

    def _next(self) -> Image | None:
        due = self._pacer.next()
        if self._showings >= MIN_SHOWINGS and due - self._shown_since >= self._show_s:
            self._image, self._showings = self._load_next(), 0
        if self._image is None:
            return None
        self._pacer.wait_until(due)
        if self._showings == 0:
            self._shown_since = due
        self._showings += 1
        return self._image

    def _load_next(self) -> Image | None:
        """The next readable photo, from the first again where they repeat; ``None`` after the last."""
        while len(self._unreadable) < len(self._paths):
            if not self._waiting:
                if not self._repeat:
                    return None
                self._waiting.extend(path for path in self._paths if path not in self._unreadable)
            path = self._waiting.popleft()
            try:
                self._found.check(path)
                return read_image(path, self._max_megapixels)
            except CameraError as error:
                self._unreadable[path] = error
                self.undecodable += 1
                if len(self._paths) > 1:
                    log.warning("%s; skipped", error)
        if len(self._paths) == 1:
            raise self._unreadable[self._paths[0]]
        raise CameraError(
            f"{self.name}: none of its {len(self._paths)} images can be read",
            remedy="Check the files, or point camera.path at others",
        )


def find_images(path: Path) -> list[Path]:
    """The photo at ``path``, or the photos of the folder at ``path`` in natural order.

    Raises:
        CameraError: Nothing is there, or no photo is in it.
    """
    try:
        if path.is_file():
            return [path]
        found = [file for file in path.iterdir() if is_photo(file)]
    except OSError as error:
        raise _unreachable(path, error, "an image or a folder of images") from None
    if not found:
        raise CameraError(
            str(path),
            received="a folder without images",
            expected="files like .jpg or .png directly in it",
            remedy="Check camera.path",
        )
    return sorted(found, key=lambda file: natural_key(file.name))


def is_photo(file: Path) -> bool:
    """Whether a file of a folder counts as a photo.

    Raises:
        OSError: One may not look.
    """
    return file.suffix.lower() in IMAGE_SUFFIXES and file.is_file()


def images_of(paths: Iterable[Path]) -> Iterator[Path]:
    """The files among ``paths``, and the photos of the folders among them in natural order.

    A folder without a photo, or one that cannot be entered, comes as it is: reading it will say so.
    """
    for path in paths:
        yield from _photos_or_itself(path)


def _photos_or_itself(path: Path) -> list[Path]:
    try:
        return find_images(path) if path.is_dir() else [path]
    except CameraError:
        return [path]


def natural_key(name: str) -> tuple[list[str | int], str]:
    """Sort key under which numbers in names count as numbers: ``img2`` comes before ``img10``."""
    parts = re.split(r"([0-9]+)", name.casefold())
    return [int(part) if place % 2 else part for place, part in enumerate(parts)], name


def read_image(path: Path, max_megapixels: float = MAX_MEGAPIXELS) -> Image:
    """Read a photo as :func:`edge_agent.vision.image_file.read_photograph` does: a large one is reduced.

    Raises:
        CameraError: It cannot be opened, is no image, announces more megapixels, or is cut off.
    """
    try:
        return read_photograph(path, max_megapixels=max_megapixels).image
    except InputError as error:
        raise CameraError(str(error)) from None


def _unreachable(path: Path, error: OSError, expected: str) -> CameraError:
    return CameraError(
        str(path),
        received=(error.strerror or "an error").lower(),
        expected=expected,
        remedy="Check camera.path and that the agent's user may read it",
    )


class _Found:
    """What files were when they were found."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._marks = {path: _mark(path) for path in paths}

    def check(self, path: Path) -> None:
        """Raises:
        CameraError: One of them has become another.
        """
        mark = _mark(path)
        if mark is not None and mark != self._marks[path]:
            raise CameraError(
                str(path),
                received="a file that has changed since it was opened",
                expected="one that stays as it is",
                remedy='For a camera set camera.source to "v4l2", "csi" or "rtsp"',
            )


def _mark(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:  # reading it will say why
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


class VideoSource(GuardedSource):
    """A recording, played by its own time stamps; where the consumer is slower, playback waits for it.

    Where time stamps do not rise, the file's rate counts. Single pictures that cannot be decoded are skipped.

    Raises:
        CameraError: The file does not exist, no frame of it can be decoded, its frames are too large, or it changes
            while it is played.
    """

    lossless = True

    def __init__(self, settings: CameraSettings, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self.name = settings.path
        self._repeat, self._max_megapixels = settings.repeat, settings.max_megapixels
        self._found = _Found([Path(settings.path)])
        self._capture = cv2.VideoCapture()
        self._clock = clock
        self._loss, self._skipped = PictureLoss(self.name), 0
        self._first: Image | None = self._rewind()
        own_fps = self._capture.get(cv2.CAP_PROP_FPS)
        fps = own_fps if math.isfinite(own_fps) and 1 <= own_fps <= 240 else settings.fps
        self._pacer = Pacer(fps, self._closed, clock)
        self._timetable = Timetable(1.0 / fps)
        self._announced = self._capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self._count = 0

    def _next(self) -> Image | None:
        self._found.check(Path(self.name))
        image, self._first = self._first if self._first is not None else self._decode(), None
        if image is None:
            self._report_missing()
            if not self._repeat:
                return None
            image, self._count = self._rewind(), 0
            self._timetable.begin()
        self._count += 1 + self._skipped
        due = self._pacer.next(self._timetable.gap_s(self._capture.get(cv2.CAP_PROP_POS_MSEC), self._skipped))
        self.idle_until = due
        self._pacer.wait_until(due)
        return image

    def _release(self) -> None:
        self._capture.release()

    def _rewind(self) -> Image:
        """Open the file anew, which unlike seeking works with every format, and return its first frame."""
        path = Path(self.name)
        # Not a device or a pipe, behind which there could be a camera; opening a pipe would also wait for its writer.
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise CameraError(
                self.name,
                received="something that is no file",
                expected="a recording",
                remedy='For a camera set camera.source to "v4l2", "csi" or "rtsp"',
            )
        try:
            path.open("rb").close()
        except OSError as error:
            raise _unreachable(path, error, "a video") from None
        self._capture.release()
        self._capture.open(self.name, cv2.CAP_FFMPEG)
        check_announced(self.name, self._capture, self._max_megapixels)
        first = self._decode() if self._capture.isOpened() else None
        if first is None:
            raise _unplayable(path)
        return first

    def _decode(self) -> Image | None:
        """The next picture that can be decoded, ``None`` at the end of the file."""
        while True:
            grabbed = self._grab()
            image = retrieved(self._capture) if grabbed else None
            now = self._clock()
            if image is not None:
                self._skipped = self._loss.good(now)
                self.undecodable = self._loss.skipped
                return image
            if self._closed.is_set() or not self._loss.bad(now, certain=grabbed):
                return None

    def _grab(self) -> bool:
        try:
            return self._capture.grab()
        except cv2.error:
            return False

    def _report_missing(self) -> None:
        if self._count < 0.9 * self._announced:
            log.warning(
                "%s: ended after %d of %d frames; the file seems cut off", self.name, self._count, self._announced
            )


def _unplayable(path: Path) -> CameraError:
    """Why no picture of a recording can be decoded, as far as its content says."""
    received, remedy = (
        "a file in which no picture can be decoded",
        "Play it elsewhere to see whether it is whole, or convert it to MP4",
    )
    try:
        boxes = _boxes_of(path)
        if path.stat().st_size == 0:
            received, remedy = "an empty file", "Copy it again from where it was recorded"
        elif "ftyp" in boxes and "moov" not in boxes:
            received = "an MP4 that is cut off: its index, which comes last, is missing"
            remedy = "Copy it again, and only after the recording has ended"
    except OSError:
        pass
    return CameraError(str(path), received=received, expected="a video", remedy=remedy)


def _boxes_of(path: Path) -> set[str]:
    """The kinds of the outermost parts of an MP4 or MOV; of other files whatever stands in their places."""
    found: set[str] = set()
    with path.open("rb") as file:
        for _ in range(_MAX_BOXES):
            head = file.read(16)
            if len(head) < 8:
                break
            found.add(head[4:8].decode("latin-1"))
            size = int.from_bytes(head[:4], "big")
            wide = size == 1
            size = int.from_bytes(head[8:16], "big") if wide else size
            if size < 8:  # to the end of the file, or damaged
                break
            file.seek(size - len(head), 1)
    return found
