"""USB cameras, network streams and a Pi's own camera: what can be run without the hardware, and how they fail."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import socket
import struct
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_agent.addresses.masking import shown_url
from edge_agent.config import CameraSettings
from edge_agent.errors import CameraError
from edge_agent.types import Image
from edge_agent.vision.sources import FrameSource, open_source
from edge_agent.vision.sources.capture import LiveCapture
from edge_agent.vision.sources.csi import frame_size
from edge_agent.vision.sources.v4l2 import explain, find_device
from edge_agent.vision.v4l2_devices import CameraIdentity, list_cameras, parse_capabilities
from tests.support.rpicam_vid import install
from tests.support.rtsp_server import HEIGHT, WIDTH, RtspServer
from tests.vision.drawn import video


def read(source: FrameSource, count: int) -> list[Image]:
    """The next frames of a source that has so many."""
    images = [source.read() for _ in range(count)]
    return [image for image in images if image is not None]


# A live OpenCV capture


def capture_of(path: Path, fps: float, buffered: int) -> LiveCapture:
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    return LiveCapture("a file that has all frames at once", capture, fps, buffered, "Look for it", clock=lambda: 0.0)


def test_frames_that_lay_in_a_buffer_are_thrown_away(tmp_path: Path) -> None:
    source = capture_of(video(tmp_path / "a.avi"), fps=60, buffered=4)
    image = source.read()
    source.close()
    assert image is not None
    assert round(float(image.mean()) / 20) >= 1


def test_a_capture_that_gives_no_more_frames_says_what_to_do(tmp_path: Path) -> None:
    source = capture_of(video(tmp_path / "a.avi", frames=2), fps=60, buffered=4)
    with pytest.raises(CameraError, match=r"got no more frames.*Look for it"):
        source.read()
    source.close()


# V4L2


def nodes(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).touch()
    return folder


def named(node: Path) -> str | None:
    """Nodes with an even number are cameras, as with USB cameras that have a second node for metadata."""
    return f"Webcam {node.name}" if int(node.name[-1]) % 2 == 0 else None


def test_a_missing_device_is_an_error_that_says_so(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CameraError, match=r"^/dev/video97x: got no such device, expected a camera\. "):
        open_source(CameraSettings(source="v4l2", path="/dev/video97x"))
    assert capfd.readouterr().err == ""


def test_something_that_is_no_video_device_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CameraError, match="no video device"):
        open_source(CameraSettings(source="v4l2", path=str(tmp_path / "file")))


@contextlib.contextmanager
def ordinary_user() -> Iterator[None]:
    """Without root's rights, which override permissions."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def test_without_permission_the_remedy_is_the_video_group() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        node = Path(folder) / "video0"
        node.touch(mode=0o000)
        with (
            ordinary_user(),
            pytest.raises(CameraError, match=r"got permission denied\. Add the agent's user to the video group"),
        ):
            open_source(CameraSettings(source="v4l2", path=str(node)))


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EBUSY, "in use"),
        (errno.ENODEV, "no such device"),
        (errno.ENOTTY, "no video device"),
        (errno.EIO, "error"),
    ],
)
def test_every_way_to_fail_is_explained(number: int, words: str) -> None:
    assert words in str(explain(Path("/dev/video0"), OSError(number, os.strerror(number))))


def test_a_number_means_the_device_node(tmp_path: Path) -> None:
    assert find_device("2", nodes(tmp_path, "video2"), named) == tmp_path / "video2"


def test_a_camera_that_came_back_under_another_number_is_found(tmp_path: Path) -> None:
    dev = nodes(tmp_path, "video1", "video3", "video10", "video4", "video2")
    known = CameraIdentity("Webcam video4")
    assert find_device(str(tmp_path / "video0"), dev, named, known, plain) == tmp_path / "video4"


def test_a_camera_that_changed_its_number_with_another_is_found(tmp_path: Path) -> None:
    dev = nodes(tmp_path, "video0", "video2")
    assert find_device("0", dev, named, CameraIdentity("Webcam video2"), plain) == tmp_path / "video2"
    assert find_device("0", dev, named, CameraIdentity("Webcam video0"), plain) == tmp_path / "video0"


@pytest.mark.parametrize("known", [None, CameraIdentity("Webcam video0")])
def test_no_other_camera_takes_the_place_of_one_that_is_gone(tmp_path: Path, known: CameraIdentity | None) -> None:
    dev = nodes(tmp_path, "video2", "video4")
    (tmp_path / "v4l" / "by-id").mkdir(parents=True)
    (tmp_path / "v4l" / "by-id" / "usb-Maker_Webcam-video-index0").symlink_to("../../video4")
    with pytest.raises(CameraError, match=r"video0: got no such device.*by-id/usb-Maker_Webcam-video-index0 \(Webcam"):
        find_device("0", dev, named, known, plain)


def plain(_node: Path, card: str) -> CameraIdentity:
    return CameraIdentity(card)


def test_cameras_with_a_lasting_name_are_listed_first(tmp_path: Path) -> None:
    dev = nodes(tmp_path, "video2", "video4", "video5")
    (tmp_path / "v4l" / "by-id").mkdir(parents=True)
    (tmp_path / "v4l" / "by-id" / "usb-Maker_Webcam-video-index0").symlink_to("../../video4")
    assert list_cameras(dev, named) == [
        (tmp_path / "video4", "Webcam video4"),
        (tmp_path / "video2", "Webcam video2"),
    ]


def test_a_camera_named_by_its_id_is_never_replaced_by_another(tmp_path: Path) -> None:
    dev = nodes(tmp_path, "video2")
    with pytest.raises(CameraError, match=r"no such device.*set camera\.path to .*video2 \(Webcam video2\)"):
        find_device(str(tmp_path / "v4l/by-id/usb-Maker_Webcam-video-index0"), dev, named)


def test_a_node_that_may_not_be_opened_is_passed_over(tmp_path: Path) -> None:
    def refuse(node: Path) -> str | None:
        raise PermissionError(errno.EACCES, "Permission denied", str(node))

    assert list_cameras(nodes(tmp_path, "video0"), refuse) == []


def test_capabilities_of_the_node_count_rather_than_those_of_the_device() -> None:
    whole_device, metadata_node = 0x84A0_0001, 0x04A0_0000
    answer = struct.pack("16s32s32sIII12x", b"uvcvideo", b"HD Webcam", b"usb-1", 6, whole_device, metadata_node)
    assert parse_capabilities(answer) == ("uvcvideo", "HD Webcam", metadata_node)


# RTSP


def stream(port: int, **more: object) -> CameraSettings:
    url = f"rtsp://teacher:s3cret@127.0.0.1:{port}/room"
    return CameraSettings(source="rtsp", url=url, stall_s=1.0, fps=20, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("rtsp://u:p@cam.local:554/a/b", "rtsp://cam.local:554/a/b"),
        ("rtsp://u:p@ss@cam.local/a", "rtsp://cam.local/a"),
        ("rtsp://cam.local/user=admin&password=x1&channel=2", "rtsp://cam.local/user=...&password=...&channel=2"),
        ("rtsp://cam.local/a?token=abc", "rtsp://cam.local/a?token=..."),
        ("rtsp://cam.local/monkey=1", "rtsp://cam.local/monkey=1"),
    ],
)
def test_an_address_is_shown_without_its_secrets(url: str, shown: str) -> None:
    assert shown_url(url) == shown


def test_a_stream_is_read_over_tcp_under_a_name_without_password() -> None:
    with RtspServer() as server:
        source = open_source(stream(server.port))
        assert {image.shape for image in read(source, 5)} == {(HEIGHT, WIDTH, 3)}
        source.close()
        assert source.name == f"rtsp://127.0.0.1:{server.port}/room"
        assert [request for request in server.requests if "RTP/AVP/TCP" in request]


def test_the_login_of_a_stream_comes_from_the_settings_and_its_file(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    password = "Moon/77@#?%: x"
    file = tmp_path / "camera.password"
    file.write_text(password + "\n")
    with RtspServer(login=f"admin:{password}") as server:
        url = f"rtsp://127.0.0.1:{server.port}/room"
        source = open_source(CameraSettings(source="rtsp", url=url, username="admin", password_file=str(file)))
        assert source.name == url
        assert len(read(source, 2)) == 2
        source.close()
        file.write_text("another\n")
        with pytest.raises(CameraError, match="path, user and"):
            open_source(CameraSettings(source="rtsp", url=url, username="admin", password_file=str(file)))
        file.unlink()
        with pytest.raises(CameraError, match=r"camera\.password_file .*: cannot be read: No such file"):
            open_source(CameraSettings(source="rtsp", url=url, username="admin", password_file=str(file)))
    assert capfd.readouterr().err == ""


def test_a_stream_that_falls_silent_is_given_up_in_time() -> None:
    with RtspServer(silent_after=80) as server:
        source = open_source(stream(server.port))
        with pytest.raises(CameraError, match="no more frames"):
            read(source, 200)
        source.close()


def test_a_closed_port_is_an_error_without_the_password(capfd: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(CameraError, match="got connection refused") as caught:
        open_source(stream(port))
    assert "s3cret" not in str(caught.value)
    assert capfd.readouterr().err == ""


def test_a_stream_that_is_refused_is_an_error_without_the_password(capfd: pytest.CaptureFixture[str]) -> None:
    with RtspServer(status="404 Not Found") as server, pytest.raises(CameraError, match="path, user and") as caught:
        open_source(stream(server.port))
    assert "s3cret" not in str(caught.value)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("url", ["camera.local", "rtsp://", "rtsp://cam:port/x", "/dev/video0"])
def test_what_is_no_address_is_an_error(url: str) -> None:
    with pytest.raises(CameraError, match="expected an address like rtsp://"):
        open_source(CameraSettings(source="rtsp", url=url))


# A Pi's own camera

SETTINGS = CameraSettings(source="csi", width_px=160, height_px=120, fps=30, stall_s=1.0)


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for ``rpicam-vid``, alone on the PATH."""
    return install(tmp_path, monkeypatch)


def running(pid_file: Path) -> bool:
    try:
        os.kill(int(pid_file.read_text()), 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.usefixtures("program")
def test_csi_frames_have_the_true_colours_and_their_full_range() -> None:
    source = open_source(SETTINGS)
    image = source.read()
    source.close()
    assert image is not None
    assert image.shape == (120, 128, 3)
    for row, colour in ((10, (0, 0, 254)), (60, (16, 16, 16)), (110, (240, 240, 240))):
        assert np.abs(image[row].astype(int) - colour).max() <= 2


@pytest.mark.usefixtures("program")
def test_closing_the_csi_camera_really_ends_its_program(tmp_path: Path) -> None:
    source = open_source(SETTINGS)
    assert running(tmp_path / "pid")
    source.close()
    assert not running(tmp_path / "pid")


def test_the_older_name_of_the_program_is_found_too(program: Path) -> None:
    program.rename(program.with_name("libcamera-vid"))
    source = open_source(SETTINGS)
    source.close()
    assert source.name == "CSI camera (libcamera-vid)"


@pytest.mark.usefixtures("program")
@pytest.mark.parametrize(
    ("fault", "words"),
    [("no-camera", "no cameras available.*ribbon cable"), ("busy", "failed to acquire.*Stop the other program")],
)
def test_the_program_s_own_complaint_reaches_the_user(monkeypatch: pytest.MonkeyPatch, fault: str, words: str) -> None:
    monkeypatch.setenv("STAND_IN", fault)
    with pytest.raises(CameraError, match=words):
        open_source(SETTINGS)


@pytest.mark.usefixtures("program")
def test_a_number_chooses_among_several_csi_cameras() -> None:
    with pytest.raises(CameraError, match="no cameras available"):
        open_source(CameraSettings(source="csi", path="1"))


@pytest.mark.usefixtures("program")
def test_a_csi_program_that_ends_is_an_error_at_the_next_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAND_IN", "stops")
    source = open_source(SETTINGS)
    with pytest.raises(CameraError, match="its end with code 0"):
        read(source, 4)
    source.close()


@pytest.mark.usefixtures("program")
def test_a_csi_program_that_falls_silent_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAND_IN", "stuck")
    source = open_source(SETTINGS)
    with pytest.raises(CameraError, match=r"no frame for 0\.8 s"):
        read(source, 4)
    source.close()


@pytest.mark.usefixtures("program")
def test_closing_from_another_thread_ends_a_read_that_waits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("STAND_IN", "stuck")
    source = open_source(CameraSettings(source="csi", width_px=160, height_px=120, fps=30, stall_s=60.0))
    read(source, 3)
    closer = threading.Timer(0.1, source.close)
    closer.start()
    assert source.read() is None
    closer.join()
    source.close()
    assert not running(tmp_path / "pid")


@pytest.mark.usefixtures("program")
def test_a_csi_program_deaf_to_signals_is_killed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("STAND_IN", "deaf")
    source = open_source(SETTINGS)
    source.close()
    assert not running(tmp_path / "pid")


def test_without_a_camera_program_the_remedy_names_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert shutil.which("rpicam-vid") is None
    with pytest.raises(CameraError, match="apt install rpicam-apps-lite"):
        open_source(SETTINGS)


PICAMERA2 = """
import numpy as np
from pathlib import Path

class Picamera2:
    def __init__(self, number):
        if number > 0:
            raise IndexError("list index out of range")
    def create_video_configuration(self, main, controls):
        assert main["format"] == "RGB888" and controls["FrameRate"] == 30
        return main["size"]
    def configure(self, size):
        self.size = size
    def start(self):
        self.running = True
    def capture_array(self, name):
        assert name == "main" and self.running
        return np.zeros((self.size[1], self.size[0], 3), np.uint8)
    def stop(self):
        self.running = False
    def close(self):
        assert not self.running
        Path(__file__).with_name("closed").touch()
"""
"""A stand-in for the calls that are made of the library."""


def test_the_library_is_used_where_the_camera_program_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "picamera2.py").write_text(PICAMERA2)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    try:
        source = open_source(SETTINGS)
        assert [image.shape for image in read(source, 2)] == [(120, 160, 3)] * 2
        source.close()
        assert (tmp_path / "closed").exists()
        with pytest.raises(CameraError, match=r"IndexError.*apt install rpicam-apps-lite"):
            open_source(CameraSettings(source="csi", path="1"))
    finally:
        sys.modules.pop("picamera2", None)


@pytest.mark.parametrize(
    ("wanted", "asked"), [((1280, 720), (1280, 720)), ((1920, 1080), (1920, 1080)), ((800, 601), (768, 600))]
)
def test_csi_frames_have_rows_without_padding(wanted: tuple[int, int], asked: tuple[int, int]) -> None:
    assert frame_size(*wanted) == asked
