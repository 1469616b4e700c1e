"""Pictures that cannot be decoded: single ones are skipped and counted, runs of them and silence end a source."""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import pytest

from edge_agent.backoff import Backoff
from edge_agent.config import CameraSettings
from edge_agent.errors import CameraError
from edge_agent.health.monitor import CameraReport, HealthMonitor
from edge_agent.system.hardware_status import HardwareStatus
from edge_agent.vision.camera import Camera, CameraState
from edge_agent.vision.sources.base import MAX_UNDECODABLE_RUN, PictureLoss, worth_logging
from edge_agent.vision.sources.capture import LiveCapture
from edge_agent.vision.sources.files import VideoSource
from edge_agent.vision.sources.picamera import Picamera2Source
from tests.support.mjpeg_server import MjpegServer
from tests.vision.drawn import jpeg, matroska, photo

WAYS_TO_BREAK: dict[str, Callable[[bytes], bytes]] = {
    "noise": lambda picture: random.Random(3).randbytes(len(picture)),
    "noise behind the head": lambda picture: picture[:2] + random.Random(4).randbytes(len(picture) - 2),
    "nothing": lambda _: b"",
    "a head alone": lambda picture: picture[:20],
}


def numbered(pictures: int, broken: Callable[[int], bool], breaking: Callable[[bytes], bytes]) -> Iterator[bytes]:
    """Pictures whose gray level, 10 to 209, is their number, some of them broken."""
    for number in range(pictures):
        picture = jpeg(10 + number % 200)
        yield breaking(picture) if broken(number) else picture


def every_hundredth(number: int) -> bool:
    return number % 100 == 99


def live_capture(url: str) -> LiveCapture:
    """A capture for which time passes quickly, so that every picture is wanted and none is old."""
    capture = cv2.VideoCapture(url, cv2.CAP_FFMPEG, [cv2.CAP_PROP_READ_TIMEOUT_MSEC, 5000])
    assert capture.isOpened()
    return LiveCapture("hall camera", capture, 60, 0, "Look for it", clock=count(1.0).__next__)


@pytest.mark.parametrize("way", WAYS_TO_BREAK)
def test_of_a_stream_with_one_bad_picture_in_a_hundred_nothing_else_is_lost(
    way: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    pictures = 600
    with MjpegServer(lambda: numbered(pictures, every_hundredth, WAYS_TO_BREAK[way])) as server:
        source = live_capture(server.url)
        levels = levels_of(source)
        source.close()
    sent = [number % 200 for number in range(pictures) if not every_hundredth(number)]
    missing = set(enumerate_runs(sent)) - set(enumerate_runs(levels))
    assert len(levels) >= len(sent) - 6
    assert len(missing) <= 6
    assert 4 <= source.undecodable <= 6  # the last one is followed by no good picture
    assert [message for message in caplog.messages if "hall camera" in message and "skipped: 1 so far" in message]
    assert capfd.readouterr().err == ""


def levels_of(source: LiveCapture) -> list[int]:
    """The numbers of the pictures up to the end of the stream."""
    levels: list[int] = []
    try:
        while (image := source.read()) is not None:
            levels.append(round(float(image.mean())) - 10)
    except CameraError as error:
        assert str(error).startswith("hall camera: got no more frames")  # noqa: PT017
    return levels


def enumerate_runs(levels: list[int]) -> list[tuple[int, int]]:
    """Levels together with how often the numbering began anew before."""
    round_, before, found = 0, -1, []
    for level in levels:
        round_ += level < before
        found.append((round_, level))
        before = level
    return found


def test_a_camera_whose_stream_has_bad_pictures_is_not_opened_again() -> None:
    def stream() -> Iterator[bytes]:
        return numbered(100_000, lambda number: number % 10 == 9, WAYS_TO_BREAK["noise"])

    with MjpegServer(stream, pause_s=0.005) as server:

        def open_stream(settings: CameraSettings) -> LiveCapture:
            capture = cv2.VideoCapture(server.url, cv2.CAP_FFMPEG)
            return LiveCapture("hall camera", capture, settings.fps, 250, "Look for it", 5.0)

        settings = CameraSettings(source="rtsp", url="rtsp://hall/", fps=60)
        camera = Camera(settings, open_stream, backoff=Backoff(base_s=0.02, cap_s=0.05))
        camera.start()
        try:
            deadline = time.monotonic() + 60
            while camera.undecodable < 12:
                assert time.monotonic() < deadline
                camera.latest(-1, 0.05)
            assert camera.state is CameraState.OK
        finally:
            camera.stop()
        assert server.clients == 1
        report = CameraReport(camera.state, "", camera.frames_read, 0, camera.undecodable)
    health = HealthMonitor(0.0).report(report, 1.0, HardwareStatus())
    assert health.camera.undecodable >= 12


class Capture:
    """What OpenCV's capture of a USB camera does with pictures that its decoder gives up."""

    def __init__(self, answers: Iterator[tuple[bool, bool, Any]]) -> None:
        self._answers = answers
        self._retrieved: tuple[bool, Any] = (False, None)

    def grab(self) -> bool:
        grabbed, *retrieved = next(self._answers)
        self._retrieved = (retrieved[0], retrieved[1])
        return grabbed

    def retrieve(self) -> tuple[bool, Any]:
        what = self._retrieved[1]
        if isinstance(what, str) and what == "error":
            raise cv2.error("imdecode: !buf.empty()")
        if isinstance(what, str):
            os.write(2, b"Corrupt JPEG data: 2 extraneous bytes before marker 0xd9\n")
            return True, GOOD
        return self._retrieved

    def release(self) -> None:
        """Nothing to release."""


GOOD = np.full((48, 64, 3), 100, np.uint8)
BAD: list[tuple[bool, bool, Any]] = [
    (True, True, None),
    (True, False, None),
    (True, True, np.empty((0, 0, 3), np.uint8)),
    (True, True, "error"),
    (False, False, None),
]


def usb_camera(answers: Iterator[tuple[bool, bool, Any]], silence_s: float = 1e9) -> LiveCapture:
    capture = cast("cv2.VideoCapture", Capture(answers))
    return LiveCapture("webcam", capture, 60, 0, "Look for it", silence_s, talkative=True, clock=count(1.0).__next__)


@pytest.mark.parametrize("bad", BAD, ids=["true-none", "false-none", "empty", "error", "not-grabbed"])
def test_whatever_a_capture_answers_for_a_bad_picture_it_is_skipped_and_counted(bad: tuple[bool, bool, Any]) -> None:
    source = usb_camera(iter([bad, (True, True, GOOD), *[bad] * (MAX_UNDECODABLE_RUN - 1), (True, True, GOOD)]))
    assert [image is not None for image in (source.read(), source.read())] == [True, True]
    assert source.undecodable == MAX_UNDECODABLE_RUN


@pytest.mark.parametrize("bad", BAD)
def test_a_run_of_bad_pictures_ends_the_source(bad: tuple[bool, bool, Any]) -> None:
    source = usb_camera(iter([(True, True, GOOD), *[bad] * MAX_UNDECODABLE_RUN]))
    source.read()
    with pytest.raises(CameraError, match=r"webcam: got no more frames.*Look for it"):
        source.read()


def test_bad_pictures_alone_for_too_long_are_silence() -> None:
    source = usb_camera(iter([(True, True, GOOD), *[BAD[0]] * 10]), silence_s=8.0)
    source.read()
    with pytest.raises(CameraError, match="got no more frames"):
        source.read()
    assert source.undecodable < 10


def test_a_decoder_s_words_become_a_line_with_the_camera_s_name(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    source = usb_camera(iter([(True, True, "words")] * 12))
    for _ in range(12):
        assert source.read() is not None
    assert capfd.readouterr().err == ""
    assert [message.split(", now")[0] for message in caplog.messages] == [
        "webcam: the decoder complained 1 times",
        "webcam: the decoder complained 10 times",
    ]
    assert source.undecodable == 0


def test_what_may_have_been_the_end_counts_only_where_a_good_picture_follows() -> None:
    loss = PictureLoss("camera")
    loss.good(0.0)
    assert loss.bad(1.0, certain=False)
    assert loss.skipped == 0
    assert loss.good(2.0) == 1
    assert loss.skipped == 1


def test_what_happens_often_is_logged_ever_more_rarely() -> None:
    assert [number for number in range(1, 20_000) if worth_logging(number)] == [1, 10, 100, 1000, 10_000]


def test_bad_pictures_in_a_recording_are_skipped_and_what_follows_is_played(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    pictures = list(numbered(40, lambda number: number % 10 == 5, WAYS_TO_BREAK["noise"]))
    path = matroska(tmp_path / "a.mkv", range(0, 400, 10), pictures)
    source = VideoSource(CameraSettings(source="video", path=str(path)))
    levels = []
    while (image := source.read()) is not None:
        levels.append(round(float(image.mean())) - 10)
    source.close()
    assert levels == [number for number in range(40) if number % 10 != 5]
    assert source.undecodable == 4
    assert not [message for message in caplog.messages if "cut off" in message]
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("mirror", [False, True])
def test_unreadable_photos_are_counted(tmp_path: Path, mirror: bool) -> None:
    photo(tmp_path / "good.png", level=60)
    (tmp_path / "broken.jpg").write_bytes(b"no JPEG at all")
    camera = Camera(CameraSettings(source="image", path=str(tmp_path), fps=60, image_s=0.01, mirror=mirror))
    camera.start()
    seen, deadline = -1, time.monotonic() + 30
    while not camera.finished:
        assert time.monotonic() < deadline
        frame = camera.latest(seen, 0.05)
        seen = frame.index if frame else seen
    camera.stop()
    assert camera.undecodable == 1


PICAMERA2 = """
import numpy as np

class Picamera2:
    answers = []
    def __init__(self, number): pass
    def create_video_configuration(self, main, controls): return main["size"]
    def configure(self, size): self.size = size
    def start(self): pass
    def capture_array(self, name):
        if self.answers and self.answers.pop() == "error":
            raise RuntimeError("a damaged buffer")
        return None if len(self.answers) % 2 else np.zeros((self.size[1], self.size[0], 3), np.uint8)
    def stop(self): pass
    def close(self): pass
"""


def test_a_pi_s_camera_library_is_given_up_only_after_a_run_of_failures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "picamera2.py").write_text(PICAMERA2)
    monkeypatch.syspath_prepend(str(tmp_path))
    try:
        source = Picamera2Source(CameraSettings(source="csi", path="0", width_px=160, height_px=120))
        answers: list[str] = sys.modules["picamera2"].Picamera2.answers
        answers += ["error", "nothing"]
        image = source.read()
        assert image is not None
        assert image.shape == (120, 160, 3)
        assert source.undecodable == 2
        answers += ["error"] * MAX_UNDECODABLE_RUN
        with pytest.raises(CameraError, match="a damaged buffer"):
            source.read()
    finally:
        sys.modules.pop("picamera2", None)
