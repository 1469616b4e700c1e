"""Network cameras over HTTP: MJPEG streams, and single pictures that are fetched again and again."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable
from typing import Final

import cv2

from edge_agent.config import CameraSettings
from edge_agent.errors import CameraError
from edge_agent.types import Image
from edge_agent.vision.image_file import decode_quietly
from edge_agent.vision.image_header import read_header
from edge_agent.vision.sources.base import GuardedSource, Pacer, PictureLoss, next_due, read_timeout_s
from edge_agent.vision.sources.http_client import HttpCamera, TemporaryHttpError
from edge_agent.vision.sources.jpeg_stream import JpegSplitter
from edge_agent.vision.sources.network import camera_address

MAX_PICTURE_BYTES: Final = 32_000_000
"""A larger picture is none: uncompressed, 8 megapixels have so many bytes."""


class _HttpSource(GuardedSource):
    """What both sources share: the connection, the first picture, and what happens to bad ones.

    Args:
        settings: Address, login, rate and how long silence may last.
        clock: Monotonic seconds.
    """

    def __init__(self, settings: CameraSettings, clock: Callable[[], float]) -> None:
        super().__init__()
        self._clock, self._timeout_s = clock, read_timeout_s(settings)
        self._max_px = settings.max_megapixels * 1e6
        self._camera = HttpCamera(camera_address(settings), settings.source, self._timeout_s, clock)
        self.name = self._camera.name
        self._loss = PictureLoss(self.name, self._timeout_s)
        self._first: Image | None = None

    @abstractmethod
    def _receive(self) -> Image | None:
        """The next picture that is due and can be decoded; ``None`` once the source was closed."""

    def _next(self) -> Image | None:
        image, self._first = self._first, None
        try:
            return image if image is not None else self._receive()
        except CameraError:
            if self._closed.is_set():  # the connection was cut from outside
                return None
            raise

    def _skip(self) -> None:
        """Count a damaged picture.

        Raises:
            CameraError: This was one too many.
        """
        go_on = self._loss.bad(self._clock(), certain=True)
        self.undecodable = self._loss.skipped
        if not go_on:
            raise _no_jpeg(self.name)

    def _interrupt(self) -> None:
        self._camera.interrupt()

    def _release(self) -> None:
        self._camera.close()


class MjpegSource(_HttpSource):
    """An MJPEG stream: the newest picture, at no more than the rate asked for.

    Pictures that came while others were worked on are old, and thrown away without being decoded. A damaged one is
    skipped. Some cameras end the stream after each picture, or after some: such a stream is asked for again at once.

    Args:
        settings: Address, login, rate and how long silence may last.
        clock: Monotonic seconds.

    Raises:
        CameraError: There is no such stream.
    """

    def __init__(self, settings: CameraSettings, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(settings, clock)
        self._period_s = 1.0 / settings.fps
        self._due: float | None = None
        self._splitter = JpegSplitter(MAX_PICTURE_BYTES)
        self._asked_at = 0.0
        self._came = False
        try:
            self._ask()
            self._first = self._receive()
        except BaseException:
            self._camera.close()
            raise

    def _receive(self) -> Image | None:
        """The next picture that is due and can be decoded; ``None`` once the source was closed."""
        deadline = self._clock() + self._timeout_s
        while (newest := self._newest(deadline)) is not None:
            now = self._clock()
            due = next_due(self._due, now, self._period_s)
            # Cameras are not exact: a picture a little early is the one that is meant.
            if now < due - 0.25 * self._period_s:
                continue
            image = decode_jpeg(newest, self._max_px)
            if image is not None:
                self._due = due
                self._loss.good(now)
                return image
            self._skip()
        return None

    def _ask(self) -> None:
        self._splitter, self._came, self._asked_at = JpegSplitter(MAX_PICTURE_BYTES), False, self._clock()
        _expect(self.name, self._camera.get(), stream=True)

    def _newest(self, deadline: float) -> bytes | None:
        """The next picture, undecoded; where several have piled up, the last. ``None`` once the source was closed."""
        newest: bytes | None = None
        drain_until = self._clock() + self._period_s
        while not self._closed.is_set():
            data = self._camera.read(deadline)
            damaged = self._splitter.damaged
            pictures = self._splitter.feed(data)
            for _ in range(self._splitter.damaged - damaged):
                self._skip()
            newest, self._came = (pictures[-1], True) if pictures else (newest, self._came)
            if self._closed.is_set():
                return None
            if newest is not None and (not data or not self._camera.has_more() or self._clock() > drain_until):
                return newest
            if not data:
                self._begin_again()
        return None

    def _begin_again(self) -> None:
        """Ask for the stream anew after its end, at no more than the rate asked for.

        Raises:
            CameraError: It ended without a picture, or the camera does not give it again.
        """
        if not self._came:
            raise CameraError(
                self.name,
                received="the end of the stream",
                expected="a picture",
                remedy="Check the camera's power and its network",
            )
        self._closed.wait(max(0.0, self._asked_at + self._period_s - self._clock()))
        if not self._closed.is_set():
            self._ask()


class SnapshotSource(_HttpSource):
    """Single JPEG pictures, fetched as often as the rate says or the camera can.

    A picture that does not come or is damaged is skipped, until none was sound for as long as silence may last.

    Args:
        settings: Address, login, rate and how long silence may last.
        clock: Monotonic seconds.

    Raises:
        CameraError: There is no such picture.
    """

    def __init__(self, settings: CameraSettings, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(settings, clock)
        self._pacer = Pacer(settings.fps, self._closed, clock)
        try:
            self._first = self._receive()
        except BaseException:
            self._camera.close()
            raise

    def _receive(self) -> Image | None:
        deadline = self._clock() + self._timeout_s
        while not self._closed.is_set():
            self._pacer.wait_until(self._pacer.next())
            if self._closed.is_set():
                return None
            try:
                image = decode_jpeg(self._fetch(self._clock() + self._timeout_s), self._max_px)
            except TemporaryHttpError:
                if self._clock() > deadline:
                    raise
                continue
            if image is not None:
                self._loss.good(self._clock())
                return image
            self._skip()
        return None

    def _fetch(self, deadline: float) -> bytes:
        _expect(self.name, self._camera.get(), stream=False)
        content = bytearray()
        while data := self._camera.read(deadline):
            content += data
            if len(content) > MAX_PICTURE_BYTES:
                self._camera.close()
                raise _no_jpeg(self.name)
        return self._picture_in(bytes(content))

    def _picture_in(self, content: bytes) -> bytes:
        """The first JPEG in an answer, without what some cameras send around it; empty where there is none.

        Raises:
            CameraError: It is a picture of another format.
        """
        pictures = JpegSplitter(MAX_PICTURE_BYTES).feed(content)
        header = None if pictures else read_header(content)
        if header is not None and header.format != "JPEG":
            raise CameraError(
                self.name,
                received=f"a picture of the format {header.format}",
                expected="a JPEG",
                remedy="Let the camera send JPEG, or look for another address in its manual",
            )
        return pictures[0] if pictures else b""


def decode_jpeg(content: bytes, max_px: float) -> Image | None:
    """The picture, ``uint8 (height, width, 3)`` blue-green-red; ``None`` where it is no sound JPEG, or too large.

    Args:
        content: What came from a camera.
        max_px: What it announces is read first: a larger one is not decoded.
    """
    header = read_header(content)
    if header is None or header.format != "JPEG" or not 0 < header.width * header.height <= max_px:
        return None
    if b"\xff\xd9" not in content[-64:]:
        return None
    image, said = decode_quietly(content, cv2.IMREAD_COLOR)
    return None if image is None or said.strip() else image


def _expect(name: str, kind: str, *, stream: bool) -> None:
    """Refuse an answer of another type than the source is for, with what to do. Cameras name some types wrongly.

    Raises:
        CameraError: It is a page, or belongs to the other source.
    """
    main = kind.partition("/")[0]
    if main == "text" or kind in ("application/json", "application/xhtml+xml", "application/xml"):
        raise CameraError(
            name,
            received=f"a page of the type {kind}",
            expected="a stream of pictures" if stream else "a picture",
            remedy="Look for the address of the stream or of the snapshot in the camera's manual",
        )
    if stream and main == "image":
        raise CameraError(
            name,
            received=f"a single picture of the type {kind}",
            expected="an MJPEG stream",
            remedy='Set camera.source = "snapshot"',
        )
    if not stream and main in ("multipart", "video"):
        raise CameraError(
            name, received=f"a stream of the type {kind}", expected="a JPEG", remedy='Set camera.source = "http"'
        )


def _no_jpeg(name: str) -> CameraError:
    return CameraError(
        name,
        received="nothing that can be decoded as a JPEG",
        expected="sound pictures",
        remedy="Check the network and the camera's power, or ask it for smaller pictures",
    )
