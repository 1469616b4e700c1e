"""The camera thread: a source may block, break, vanish and come back; the agent goes on."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain, repeat
from pathlib import Path

import numpy as np
import pytest

from edge_agent.backoff import Backoff
from edge_agent.config import CameraSettings
from edge_agent.errors import CameraError
from edge_agent.types import Frame, Image
from edge_agent.vision.camera import Camera, CameraState, FrameSource
from tests.support.broker import free_port
from tests.support.rpicam_vid import install
from tests.support.rtsp_server import RtspServer
from tests.vision.drawn import matroska, photo, video

LIVE = CameraSettings(source="v4l2", fps=60, stall_s=5.0)
HASTY = CameraSettings(source="v4l2", fps=60, stall_s=0.2)
"""For sources that hang. It may give up a source that was only late, too."""
NOISE = np.random.default_rng(5)


class Scripted:
    """A camera that delivers noise at 100 fps until set otherwise."""

    name = "scripted camera"
    lossless = False

    def __init__(self) -> None:
        self.opened = self.closed = 0
        self.plugged = True
        self.block = self.blocking = False
        self.unblock = threading.Event()
        self.error: Exception | None = None
        self.end = False
        self.level, self.span = 100, 50

    def open(self, _settings: CameraSettings) -> FrameSource:
        if not self.plugged:
            raise CameraError("scripted camera", received="no such device", remedy="Plug the camera in")
        self.opened += 1
        return self

    def read(self) -> Image | None:
        if self.block:
            self.block, self.blocking = False, True
            self.unblock.wait(10.0)
        time.sleep(0.01)
        if not self.plugged:
            raise CameraError("scripted camera", received="no more frames")
        if self.error is not None:
            raise self.error
        return None if self.end else NOISE.integers(self.level, self.level + self.span, (16, 16, 3), dtype=np.uint8)

    def close(self) -> None:
        self.closed += 1

    def is_blocking(self) -> bool:
        return self.blocking


@pytest.fixture
def source() -> Iterator[Scripted]:
    scripted = Scripted()
    yield scripted
    scripted.unblock.set()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_agent.vision.camera.RELEASE_WITHIN_S", 0.1)


@contextmanager
def running(
    settings: CameraSettings, open_source: Callable[[CameraSettings], FrameSource] | None = None
) -> Iterator[Camera]:
    at_once = Backoff(base_s=0.02, cap_s=0.05)
    camera = Camera(settings, open_source, backoff=at_once) if open_source else Camera(settings, backoff=at_once)
    camera.start()
    try:
        yield camera
    finally:
        camera.stop()


def until(condition: Callable[[], bool], within_s: float = 10.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.002)


def next_frame(camera: Camera, newer_than: int = -1) -> Frame:
    frame = camera.latest(newer_than, 10.0)
    assert frame is not None
    return frame


class Lamp:
    """Notes when it is switched, and the source's opening and closing between."""

    def __init__(self, source: Scripted) -> None:
        self.story: list[str] = []
        self._source = source

    def show(self, on: bool) -> None:
        self.story.append("on" if on else "off")

    def open(self, settings: CameraSettings) -> FrameSource:
        self.story.append("opening")
        return self._source.open(settings)


@pytest.fixture
def lamp(source: Scripted) -> Lamp:
    lamp = Lamp(source)
    close = source.close

    def closing() -> None:
        close()
        lamp.story.append("closed")

    source.close = closing  # type: ignore[method-assign]
    return lamp


def test_the_led_is_on_before_the_device_opens_until_after_it_closed(lamp: Lamp) -> None:
    camera = Camera(LIVE, lamp.open, backoff=Backoff(base_s=0.02, cap_s=0.05), on_device=lamp.show)
    camera.start()
    next_frame(camera)
    camera.mute(True)
    until(lambda: camera.state is CameraState.MUTED)
    camera.mute(False)
    next_frame(camera)
    camera.stop()
    once = ["on", "opening", "closed", "off"]
    assert [word for word, before in zip(lamp.story, ["", *lamp.story], strict=False) if word != before] == once * 2


def test_the_led_stays_on_while_a_hanging_device_may_still_be_open(source: Scripted, lamp: Lamp) -> None:
    camera = Camera(LIVE, lamp.open, backoff=Backoff(base_s=0.02, cap_s=0.05), on_device=lamp.show)
    camera.start()
    next_frame(camera)
    source.block = True
    until(source.is_blocking)
    camera.mute(True)
    until(lambda: "not closed yet" in camera.reason)
    assert lamp.story[-1] != "off"
    source.unblock.set()
    until(lambda: camera.state is CameraState.MUTED)
    assert lamp.story[-1] == "off"
    camera.stop()


def test_frames_arrive_with_rising_index_and_fresh_time(source: Scripted) -> None:
    with running(LIVE, source.open) as camera:
        first = next_frame(camera)
        second = next_frame(camera, first.index)
        assert second.index > first.index
        assert first.captured_at < second.captured_at <= time.monotonic()
        assert camera.state is CameraState.OK
        assert camera.reason == ""


def test_a_slow_consumer_gets_the_newest_frame(source: Scripted) -> None:
    with running(LIVE, source.open) as camera:
        first = next_frame(camera)
        until(lambda: camera.frames_read > first.index + 10)
        assert next_frame(camera, first.index).index >= first.index + 10
        assert camera.frames_dropped >= 8


def test_waiting_for_a_frame_ends_after_the_time_given(source: Scripted) -> None:
    source.plugged = False
    with running(LIVE, source.open) as camera:
        assert camera.latest(-1, 0.05) is None


def test_a_camera_that_is_not_there_is_reported_once_and_used_when_it_comes(
    source: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    source.plugged = False
    with running(LIVE, source.open) as camera:
        until(lambda: camera.state is CameraState.FAILED)
        assert camera.reason == "scripted camera: got no such device. Plug the camera in."
        time.sleep(0.2)
        source.plugged = True
        next_frame(camera)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO", "INFO"]
    assert "failed, trying again: scripted camera: got no such device" in caplog.messages[0]
    assert "scripted camera: back after" in caplog.messages[1]


def test_a_camera_unplugged_and_plugged_in_again_goes_on(source: Scripted, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with running(LIVE, source.open) as camera:
        before = next_frame(camera)
        source.plugged = False
        until(lambda: camera.state is CameraState.FAILED)
        time.sleep(0.2)
        source.plugged = True
        until(lambda: camera.state is CameraState.OK)
        assert next_frame(camera, before.index).index > before.index
        assert source.opened == 2
    assert [record.levelname for record in caplog.records].count("WARNING") == 1
    assert [message for message in caplog.messages if "back after" in message]


def test_a_source_that_blocks_for_ever_is_left_behind_and_opened_anew(
    source: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    with running(HASTY, source.open) as camera:
        next_frame(camera)
        source.block = True
        until(lambda: source.opened >= 2 and camera.state is CameraState.OK)
        assert source.closed >= 1
        source.unblock.set()
    assert "camera stalled, trying again: scripted camera: no frame for 0.2 s" in caplog.text


def test_late_frames_of_a_source_left_behind_are_discarded() -> None:
    wedged, healthy = Scripted(), Scripted()
    wedged.block = True
    wedged.level, healthy.level = 200, 50
    sources = chain([wedged.open], repeat(healthy.open))
    with running(HASTY, lambda settings: next(sources)(settings)) as camera:
        until(lambda: camera.state is CameraState.OK)
        wedged.unblock.set()
        seen = -1
        for _ in range(20):
            frame = next_frame(camera, seen)
            seen = frame.index
            assert frame.image.max() < 150


def test_opening_that_blocks_for_ever_is_left_behind_too(
    source: Scripted, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("edge_agent.vision.camera.OPENING_LIMIT_S", 0.2)
    waits = chain([10.0], repeat(0.0))

    def open_slowly(settings: CameraSettings) -> FrameSource:
        source.unblock.wait(next(waits))
        return source.open(settings)

    with running(HASTY, open_slowly) as camera:
        until(lambda: camera.state is CameraState.OK)
        assert "no answer to opening it for 0.2 s" in caplog.text
        source.unblock.set()
        until(lambda: source.closed >= 1)
        assert camera.state is CameraState.OK


def test_a_source_that_hangs_every_time_is_not_opened_without_end(source: Scripted) -> None:
    def open_hanging(settings: CameraSettings) -> FrameSource:
        source.block = True
        return source.open(settings)

    with running(HASTY, open_hanging) as camera:
        until(lambda: "hung 4 times" in camera.reason)
        assert source.opened == 4
        source.unblock.set()
        until(lambda: camera.state is CameraState.OK)


def test_an_error_nobody_foresaw_does_not_end_the_camera(source: Scripted, caplog: pytest.LogCaptureFixture) -> None:
    with running(LIVE, source.open) as camera:
        next_frame(camera)
        source.error = ZeroDivisionError("a bug")
        until(lambda: camera.state is CameraState.STALLED)
        assert "ZeroDivisionError: a bug" in camera.reason
        source.error = None
        until(lambda: camera.state is CameraState.OK)
    assert "Traceback" in caplog.text


def test_a_live_source_that_ends_is_opened_again(source: Scripted) -> None:
    with running(LIVE, source.open) as camera:
        next_frame(camera)
        source.end = True
        until(lambda: camera.state is CameraState.STALLED)
        assert not camera.finished
        source.end = False
        until(lambda: camera.state is CameraState.OK)


def test_a_covered_lens_is_reported_as_dark(source: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_agent.vision.camera_state.DARK_AFTER_S", 0.1)
    source.level, source.span = 0, 5
    with running(LIVE, source.open) as camera:
        until(lambda: camera.state is CameraState.DARK)
        source.level, source.span = 100, 50
        until(lambda: camera.state is CameraState.OK)


def test_muting_closes_the_device_and_unmuting_opens_it(source: Scripted) -> None:
    with running(LIVE, source.open) as camera:
        last = next_frame(camera)
        camera.mute(True)
        until(lambda: camera.state is CameraState.MUTED)
        assert source.closed >= 1
        assert not camera.device_open
        assert camera.latest(last.index, 0.05) is None
        camera.mute(False)
        until(lambda: camera.state is CameraState.OK)
        assert camera.device_open
        assert source.opened == 2


def test_a_camera_muted_before_its_start_is_never_opened(source: Scripted) -> None:
    camera = Camera(LIVE, source.open)
    camera.mute(True)
    camera.start()
    until(lambda: camera.state is CameraState.MUTED)
    camera.stop()
    assert source.opened == 0


def test_muting_is_no_fault(source: Scripted, caplog: pytest.LogCaptureFixture) -> None:
    with running(LIVE, source.open) as camera:
        next_frame(camera)
        camera.mute(True)
        until(lambda: camera.state is CameraState.MUTED)
        camera.mute(False)
        until(lambda: camera.state is CameraState.OK)
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_a_camera_counts_as_muted_only_when_its_device_is_closed(source: Scripted) -> None:
    with running(CameraSettings(source="v4l2", stall_s=60.0), source.open) as camera:
        next_frame(camera)
        source.block = True
        until(source.is_blocking)
        camera.mute(True)
        until(lambda: "not closed yet" in camera.reason)
        assert camera.state is not CameraState.MUTED
        assert camera.device_open
        source.unblock.set()
        until(lambda: camera.state is CameraState.MUTED)
        assert not camera.device_open


def test_stopping_closes_the_device(source: Scripted) -> None:
    with running(LIVE, source.open) as camera:
        next_frame(camera)
    assert source.closed >= 1
    assert camera.finished


def test_stopping_does_not_wait_for_a_device_that_never_answers(
    source: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_agent.vision.camera.STOP_WITHIN_S", 0.7)
    with running(CameraSettings(source="v4l2", stall_s=60.0), source.open) as camera:
        next_frame(camera)
        source.block = True
        until(source.is_blocking)
        began = time.monotonic()
    assert time.monotonic() - began < 8.0


def test_a_video_reaches_a_slow_consumer_whole_and_then_ends(tmp_path: Path) -> None:
    settings = CameraSettings(source="video", path=str(video(tmp_path / "a.avi", 8)), stall_s=0.1)
    levels: list[int] = []
    with running(settings) as camera:
        while len(levels) < 8:
            frame = next_frame(camera, len(levels) - 1)
            levels.append(round(float(frame.image.mean()) / 20))
            time.sleep(0.05)
        until(lambda: camera.finished)
        assert camera.state is CameraState.ENDED
        assert (camera.frames_read, camera.frames_dropped) == (8, 0)
    assert levels == list(range(8))


def test_a_long_pause_in_a_recording_is_no_silence(tmp_path: Path) -> None:
    path = matroska(tmp_path / "a.mkv", [0, 20, 1500])
    with running(CameraSettings(source="video", path=str(path), fps=60, stall_s=0.1)) as camera:
        seen = -1
        while not camera.finished:
            assert camera.state in (CameraState.STARTING, CameraState.OK, CameraState.ENDED)
            frame = camera.latest(seen, 0.05)
            seen = frame.index if frame else seen
        assert (camera.state, camera.frames_read) == (CameraState.ENDED, 3)


class Frozen(Scripted):
    """A network camera that freezes: every connection repeats the same picture."""

    still: Image | None = None

    def read(self) -> Image | None:
        image = super().read()
        return image if self.still is None else self.still


def test_a_frozen_network_stream_is_opened_anew_and_is_frozen_until_it_moves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in ("camera", "camera_state"):
        monkeypatch.setattr(f"edge_agent.vision.{module}.FROZEN_AFTER_S", 0.2)
    source = Frozen()
    with running(CameraSettings(source="rtsp", url="rtsp://hall/", fps=60, stall_s=5.0), source.open) as camera:
        next_frame(camera)
        source.still = np.full((16, 16, 3), 100, np.uint8)
        until(lambda: source.opened >= 3)
        read = camera.frames_read
        until(lambda: camera.frames_read > read + 2)
        assert camera.state is CameraState.FROZEN
        assert "the stream is opened again" in camera.reason
        source.still = None
        until(lambda: camera.state is CameraState.OK)


def test_a_frozen_usb_camera_is_left_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_agent.vision.camera_state.FROZEN_AFTER_S", 0.1)
    frozen = Frozen()
    frozen.still = np.full((16, 16, 3), 100, np.uint8)
    with running(LIVE, frozen.open) as camera:
        until(lambda: camera.state is CameraState.FROZEN)
        read = camera.frames_read
        until(lambda: camera.frames_read > read + 30)
    assert frozen.opened == 1


def test_the_end_of_a_file_is_no_fault(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    settings = CameraSettings(source="image", path=str(photo(tmp_path / "a.png")), fps=60, image_s=0.01)
    with running(settings) as camera:
        seen = -1
        while not camera.finished:
            frame = camera.latest(seen, 0.05)
            seen = frame.index if frame else seen
        assert "after 5 frames" in camera.reason
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_a_file_that_cannot_be_read_is_reported_and_not_retried(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with running(CameraSettings(source="video", path=str(tmp_path / "gone.avi"))) as camera:
        until(lambda: camera.finished)
        assert camera.state is CameraState.FAILED
        assert "gone.avi: got no such file" in camera.reason
    assert [message for message in caplog.messages if "trying again" in message] == []
    assert [record.levelname for record in caplog.records].count("WARNING") == 1


def test_a_csi_camera_whose_program_dies_is_back_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    install(tmp_path, monkeypatch)
    settings = CameraSettings(source="csi", width_px=160, height_px=120, fps=30)
    with running(settings) as camera:
        before = next_frame(camera)
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
        until(lambda: "back after" in caplog.text)
        assert "its end with code -9" in caplog.text
        assert next_frame(camera, before.index).index > before.index


def test_a_network_camera_that_loses_its_power_is_back_by_itself(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    server = RtspServer(port=free_port())
    settings = CameraSettings(source="rtsp", url=f"rtsp://teacher:s3cret@127.0.0.1:{server.port}/room", stall_s=2.0)
    with running(settings) as camera:
        before = next_frame(camera)
        server.close()
        until(lambda: camera.state is CameraState.FAILED)
        assert "connection refused" in camera.reason
        with RtspServer(port=server.port):
            until(lambda: camera.state is CameraState.OK)
            assert next_frame(camera, before.index).index > before.index
            # counted while the camera still has its power: its second loss would be logged too
            assert [record.levelname for record in caplog.records].count("WARNING") == 1
    assert "s3cret" not in caplog.text


def test_muting_a_csi_camera_ends_its_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch)
    with running(CameraSettings(source="csi", width_px=160, height_px=120, fps=30)) as camera:
        next_frame(camera)
        camera.mute(True)
        until(lambda: camera.state is CameraState.MUTED)
        with pytest.raises(ProcessLookupError):
            os.kill(int((tmp_path / "pid").read_text()), 0)
