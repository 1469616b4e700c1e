"""Network cameras over HTTP: MJPEG streams and snapshots from a real server, and how they fail."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.config import CameraSettings
from edge_agent.errors import CameraError
from edge_agent.types import Image
from edge_agent.vision.camera import Camera, CameraState
from edge_agent.vision.sources import FrameSource, open_source
from edge_agent.vision.sources.base import GuardedSource
from edge_agent.vision.sources.http_login import Challenge, authorization, choose_challenge
from edge_agent.vision.sources.jpeg_stream import JpegSplitter
from edge_agent.vision.sources.mjpeg import decode_jpeg
from tests.support.broker import wait_until
from tests.support.http_camera import HEIGHT, WIDTH, HttpCameraServer, jpeg

SECRET = "Moon/77@#?%: é"


def settings(port: int, source: str = "http", **changes: Any) -> CameraSettings:
    path = "stream" if source == "http" else "capture"
    values = {"url": f"http://127.0.0.1:{port}/{path}?token=s3cret", "fps": 30, "stall_s": 5.0, **changes}
    return CameraSettings(source=source, **values)  # type: ignore[arg-type]


def read(source: FrameSource, count: int) -> list[Image]:
    images = [source.read() for _ in range(count)]
    return [image for image in images if image is not None]


BOTH = pytest.mark.parametrize("source", ["http", "snapshot"])


@BOTH
def test_pictures_are_read_under_a_name_without_secrets(source: str) -> None:
    with HttpCameraServer() as server:
        opened = open_source(settings(server.port, source))
        assert {image.shape for image in read(opened, 5)} == {(HEIGHT, WIDTH, 3)}
        opened.close()
        assert opened.read() is None
        assert opened.name.endswith("?token=...")


def test_a_stream_with_boundaries_against_every_rule_is_read() -> None:
    with HttpCameraServer(boundary="short") as server:
        opened = open_source(settings(server.port))
        assert len(read(opened, 5)) == 5
        opened.close()


@BOTH
@pytest.mark.parametrize("login", ["basic", "digest", "digest-sha256"])
def test_a_login_with_any_password_comes_from_its_file(tmp_path: Path, source: str, login: Any) -> None:
    file = tmp_path / "camera.password"
    file.write_text(f"{SECRET}\n", encoding="utf-8")
    with HttpCameraServer(login=login, password=SECRET) as server:
        opened = open_source(settings(server.port, source, username="admin", password_file=str(file)))
        assert len(read(opened, 3)) == 3
        opened.close()
        # Asked for once: a snapshot does not need two requests each time.
        assert len(server.requests) - len(server.logins) == 1


@BOTH
@pytest.mark.parametrize("login", ["basic", "digest"])
def test_a_wrong_password_is_an_error_without_it(tmp_path: Path, source: str, login: Any) -> None:
    file = tmp_path / "camera.password"
    file.write_text("s3cret7\n", encoding="utf-8")
    with (
        HttpCameraServer(login=login, password="another") as server,
        pytest.raises(CameraError, match=r"login that the camera does not accept.*password_file") as caught,
    ):
        open_source(settings(server.port, source, username="admin", password_file=str(file)))
    assert "s3cret" not in str(caught.value)


def test_a_camera_that_wants_a_login_says_so() -> None:
    with HttpCameraServer(login="basic") as server, pytest.raises(CameraError, match="got no login"):
        open_source(settings(server.port))


def test_without_being_asked_no_password_is_sent() -> None:
    with HttpCameraServer() as server:
        url = f"http://admin:s3cret@127.0.0.1:{server.port}/stream"
        opened = open_source(settings(server.port, url=url))
        opened.close()
        assert server.logins == []


def test_a_redirection_is_followed_and_takes_the_login_to_the_same_camera_alone() -> None:
    with HttpCameraServer(login="basic", password="s3cret", fault="redirect") as server:
        url = f"http://admin:s3cret@127.0.0.1:{server.port}/stream"
        open_source(settings(server.port, url=url)).close()
        assert server.requests[-1] == "/moved/stream"
    with (
        HttpCameraServer(login="basic", password="s3cret") as other,
        HttpCameraServer(fault="elsewhere", other_port=other.port) as server,
        pytest.raises(CameraError, match="no login"),
    ):
        open_source(settings(server.port, url=f"http://admin:s3cret@127.0.0.1:{server.port}/stream"))
    assert other.logins == []


@pytest.mark.parametrize(
    ("source", "path", "words"),
    [
        ("http", "capture", 'a single picture.*camera.source = "snapshot"'),
        ("snapshot", "stream", 'a stream of the type.*camera.source = "http"'),
    ],
)
def test_the_other_kind_of_address_names_the_source_for_it(source: str, path: str, words: str) -> None:
    with HttpCameraServer() as server, pytest.raises(CameraError, match=words):
        open_source(settings(server.port, source, url=f"http://127.0.0.1:{server.port}/{path}"))


@BOTH
def test_a_web_page_is_told_from_a_camera(source: str) -> None:
    with HttpCameraServer(fault="page") as server, pytest.raises(CameraError, match="a page of the type text/html"):
        open_source(settings(server.port, source))


@pytest.mark.parametrize(("fault", "words"), [("silent", "no picture within"), ("trickle", "no picture within")])
def test_a_stream_that_falls_silent_is_given_up_in_time(fault: str, words: str) -> None:
    with HttpCameraServer(fault=fault) as server:
        opened = open_source(settings(server.port, stall_s=0.5))
        with pytest.raises(CameraError, match=words):
            read(opened, 100)
        opened.close()


def test_a_snapshot_that_never_comes_is_given_up_in_time() -> None:
    with HttpCameraServer(fault="silent") as server:
        opened = open_source(settings(server.port, "snapshot", stall_s=0.5))
        with pytest.raises(CameraError, match="no picture within"):
            read(opened, 100)
        opened.close()


@pytest.mark.parametrize(("fault", "pictures"), [("single", 1), ("ends", 8)])
def test_a_stream_that_the_camera_ends_now_and_then_is_asked_for_again(fault: str, pictures: int) -> None:
    with HttpCameraServer(fault=fault) as server:
        opened = open_source(settings(server.port))
        assert len(read(opened, 20)) == 20
        assert len(server.requests) >= 20 // pictures
        opened.close()


def test_a_stream_that_ends_is_asked_for_no_more_often_than_the_rate() -> None:
    with HttpCameraServer(fault="single") as server:
        began = time.monotonic()
        opened = open_source(settings(server.port, fps=5))
        assert len(read(opened, 4)) == 4
        assert len(server.requests) <= 1 + (time.monotonic() - began) * 5
        opened.close()


def test_a_stream_that_ends_without_a_picture_says_so() -> None:
    with HttpCameraServer(fault="empty") as server, pytest.raises(CameraError, match="the end of the stream"):
        open_source(settings(server.port))
    with HttpCameraServer(fault="ends") as server:
        opened = open_source(settings(server.port))
        server.fault = "empty"
        with pytest.raises(CameraError, match="the end of the stream"):
            read(opened, 100_000)
        opened.close()


def test_a_snapshot_with_other_bytes_around_it_is_read() -> None:
    with HttpCameraServer(fault="padded") as server:
        opened = open_source(settings(server.port, "snapshot"))
        assert len(read(opened, 3)) == 3
        assert isinstance(opened, GuardedSource)
        assert opened.undecodable == 0
        opened.close()


def test_a_snapshot_of_another_format_names_it() -> None:
    with HttpCameraServer(fault="png") as server, pytest.raises(CameraError, match="a picture of the format PNG"):
        open_source(settings(server.port, "snapshot"))


@BOTH
def test_damaged_pictures_are_skipped_without_a_word_on_the_screen(
    source: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with HttpCameraServer(fault="damaged") as server:
        opened = open_source(settings(server.port, source))
        assert len(read(opened, 5)) == 5
        assert isinstance(opened, GuardedSource)
        assert opened.undecodable > 0
        opened.close()
    assert capfd.readouterr().err == ""


def test_a_snapshot_that_is_refused_now_and_then_is_asked_for_again() -> None:
    with HttpCameraServer(fault="busy") as server:
        opened = open_source(settings(server.port, "snapshot"))
        assert len(read(opened, 5)) == 5
        opened.close()


@BOTH
def test_closing_from_another_thread_ends_a_read_that_waits(source: str) -> None:
    with HttpCameraServer(fault="silent") as server:
        opened = open_source(settings(server.port, source, stall_s=60.0))
        closer = threading.Timer(0.5, opened.close)
        closer.start()
        while opened.read() is not None:
            pass
        closer.join()
        opened.close()


@BOTH
def test_a_closed_port_is_an_error_without_secrets(source: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(CameraError, match=r"got connection refused.*a camera at 127\.0\.0\.1 port") as caught:
        open_source(settings(port, source))
    assert "s3cret" not in str(caught.value)


@BOTH
@pytest.mark.parametrize("answer", [b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 abc s3cret\r\n\r\n", b"", b"\x15\x03\x01\0"])
def test_what_is_no_http_is_an_error_that_quotes_nothing(source: str, answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):  # at the end of the test
                while True:
                    client, _ = listener.accept()
                    with client:
                        client.recv(1000)
                        client.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        with pytest.raises(CameraError) as caught:
            open_source(settings(listener.getsockname()[1], source))
    assert "s3cret" not in str(caught.value)
    assert "SSH" not in str(caught.value)


@BOTH
def test_a_camera_that_comes_back_is_opened_again(source: str) -> None:
    server = HttpCameraServer()
    camera = Camera(settings(server.port, source, stall_s=1.0))
    camera.start()
    try:
        wait_until(lambda: camera.state is CameraState.OK, what="the first picture")
        server.close()
        wait_until(lambda: camera.state is CameraState.STALLED or camera.state is CameraState.FAILED, what="the loss")
        assert "s3cret" not in camera.reason
        server = HttpCameraServer(port=server.port)
        wait_until(lambda: camera.state is CameraState.OK, what="the picture after it")
    finally:
        camera.stop()
        server.close()


def test_a_picture_that_announces_too_much_is_not_decoded() -> None:
    content = jpeg(100)
    assert decode_jpeg(content, WIDTH * HEIGHT) is not None
    assert decode_jpeg(content, WIDTH * HEIGHT - 1) is None


PICTURES = (jpeg(50), jpeg(120, thumbnail=True))


@given(
    st.lists(
        st.one_of(st.sampled_from(PICTURES), st.binary(max_size=30)),
        min_size=1,
        max_size=8,
    ),
    st.integers(1, 500),
)
def test_pictures_come_whole_however_the_bytes_are_cut(pieces: list[bytes], step: int) -> None:
    # What stands between pictures is text: no mark of a picture.
    pieces = [piece if piece in PICTURES else piece.replace(b"\xff", b"-") for piece in pieces]
    stream = b"\r\n".join(pieces)
    splitter = JpegSplitter(100_000)
    found = [picture for at in range(0, len(stream), step) for picture in splitter.feed(stream[at : at + step])]
    assert found == [piece for piece in pieces if piece in PICTURES]
    assert splitter.damaged == 0


@given(st.binary(max_size=300), st.integers(1, 60), st.sampled_from([b"", b"\xff\xd8\xff", b"\xff\xd8\xff\xe0\0\0"]))
def test_any_bytes_are_taken_and_a_whole_picture_after_them_is_found(noise: bytes, step: int, begin: bytes) -> None:
    stream = begin + noise + b"\xff\xd9" + jpeg(80) * 3
    splitter = JpegSplitter(100_000)
    found = [picture for at in range(0, len(stream), step) for picture in splitter.feed(stream[at : at + step])]
    assert jpeg(80) in found or splitter.damaged or len(stream) - sum(map(len, found)) >= 2


def test_a_stream_without_an_end_of_a_picture_fills_no_memory() -> None:
    splitter = JpegSplitter(1000)
    for _ in range(100):
        splitter.feed(jpeg(60)[:-2])
    assert splitter.damaged > 0
    assert splitter.feed(jpeg(60))[-1] == jpeg(60)


def test_digest_gives_the_answers_of_rfc_7616() -> None:
    asked = choose_challenge(
        [
            'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=SHA-256, '
            'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", '
            'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"',
            'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=MD5, nonce="7ypf", opaque="FQhe"',
        ]
    )
    assert asked is not None
    assert asked.parameters["algorithm"] == "SHA-256"
    header = authorization(
        asked,
        "/dir/index.html",
        "Mufasa",
        "Circle of Life",
        client_nonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    )
    assert 'response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"' in header


@pytest.mark.parametrize(
    ("headers", "scheme"),
    [
        (["Basic realm=x"], "basic"),
        (['basic realm="a, Digest b"'], "basic"),
        (['Digest realm="c", nonce="1"'], "digest"),
        (['Digest realm="c", nonce="1", algorithm=SHA-512-256', "Basic"], "basic"),
        (["Negotiate", "Bearer"], None),
        (['Digest realm="c"'], None),
        ([""], None),
        ([], None),
    ],
)
def test_the_best_login_that_is_understood_is_chosen(headers: list[str], scheme: str | None) -> None:
    chosen = choose_challenge(headers)
    assert (chosen and chosen.scheme) == scheme


@given(st.lists(st.text(max_size=60), max_size=3))
def test_no_header_of_a_camera_ends_in_a_traceback(headers: list[str]) -> None:
    chosen = choose_challenge(headers)
    if chosen is not None:
        assert isinstance(authorization(chosen, "/", "a", "b"), str)
    assert authorization(Challenge("basic"), "/", "a", "b") == "Basic YTpi"


@pytest.mark.parametrize("parameters", ["a" * 60_000, 'a="\\"' * 12_000, "a " * 30_000])
def test_a_login_that_is_made_to_be_slow_to_read_is_none(parameters: str) -> None:
    began = time.process_time()
    assert choose_challenge([f"Digest {parameters}"]) is None
    found = choose_challenge([f"Digest {parameters}", 'Digest realm="cam", nonce="n"'])
    assert found is not None
    assert found.parameters == {"realm": "cam", "nonce": "n"}
    assert time.process_time() - began < 5
