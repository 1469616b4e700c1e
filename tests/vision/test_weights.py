"""YuNet's weights: found in the right folder, fetched whole or not at all, accepted by hash alone."""

from __future__ import annotations

import functools
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from edge_agent.errors import ModelError
from edge_agent.system.data_folders import data_folders
from edge_agent.vision.weights import (
    YUNET_FILE,
    YUNET_SOURCES,
    default_weights,
    fetch,
    find_weights,
    weights_sources,
)


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
        """Say nothing on the terminal."""


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder and the address at which a web server offers it."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(QuietHandler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def yunet_bytes(data_dir: Path) -> bytes:
    return (data_dir / "detector" / YUNET_FILE).read_bytes()


def test_the_pinned_file_is_fetched_and_readable_by_the_service(
    mirror: tuple[Path, str], yunet_bytes: bytes, tmp_path: Path
) -> None:
    folder, address = mirror
    (folder / YUNET_FILE).write_bytes(yunet_bytes)
    received: list[int] = []

    path = fetch(tmp_path / "new" / YUNET_FILE, [f"{address}/{YUNET_FILE}"], report=received.append)

    assert path.read_bytes() == yunet_bytes
    assert path.stat().st_mode & 0o777 == 0o644
    assert received[-1] == len(yunet_bytes)


def test_the_next_source_is_tried_when_one_does_not_have_the_file(
    mirror: tuple[Path, str], yunet_bytes: bytes, tmp_path: Path
) -> None:
    folder, address = mirror
    (folder / "here").write_bytes(yunet_bytes)
    assert fetch(tmp_path / YUNET_FILE, [f"{address}/missing", f"{address}/here"]).is_file()


def test_a_file_that_is_right_already_needs_no_network(yunet_bytes: bytes, tmp_path: Path) -> None:
    target = tmp_path / YUNET_FILE
    target.write_bytes(yunet_bytes)
    assert fetch(target, []) == target


def test_a_damaged_file_is_replaced(mirror: tuple[Path, str], yunet_bytes: bytes, tmp_path: Path) -> None:
    folder, address = mirror
    (folder / YUNET_FILE).write_bytes(yunet_bytes)
    target = tmp_path / YUNET_FILE
    target.write_bytes(yunet_bytes[:1000])
    assert fetch(target, [f"{address}/{YUNET_FILE}"]).read_bytes() == yunet_bytes


def test_other_bytes_are_refused_and_nothing_is_left_behind(mirror: tuple[Path, str], tmp_path: Path) -> None:
    folder, address = mirror
    (folder / YUNET_FILE).write_bytes(b"sign in to this network first")
    target = tmp_path / "data" / YUNET_FILE
    with pytest.raises(ModelError, match="29 bytes with another sha256"):
        fetch(target, [f"{address}/{YUNET_FILE}"])
    assert not target.parent.exists()


def test_an_endless_answer_is_cut_off(mirror: tuple[Path, str], tmp_path: Path) -> None:
    folder, address = mirror
    (folder / YUNET_FILE).write_bytes(bytes(5_000_000))
    with pytest.raises(ModelError, match="more than 4000000 bytes"):
        fetch(tmp_path / YUNET_FILE, [f"{address}/{YUNET_FILE}"])


def test_a_server_that_answers_byte_by_byte_is_given_up_at_the_limit(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}/{YUNET_FILE}"
        over = threading.Event()

        def trickle() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
                while not over.wait(0.05):
                    connection.sendall(b"x")

        thread = threading.Thread(target=trickle)
        thread.start()
        try:
            with pytest.raises(ModelError, match="not complete after 1 s"):
                fetch(tmp_path / YUNET_FILE, [address], limit_s=1.0)
        finally:
            over.set()
            thread.join()
    assert list(tmp_path.iterdir()) == []


def test_an_address_of_the_environment_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGE_AGENT_YUNET_URL", "http://mirror.school/yunet.onnx")
    assert weights_sources() == ("http://mirror.school/yunet.onnx", *YUNET_SOURCES)


def test_fetching_needs_nothing_but_the_standard_library() -> None:
    loaded = subprocess.run(
        [sys.executable, "-S", "-c", "import edge_agent.vision.weights"],
        cwd=Path(__file__).parents[2],
        env={},
        capture_output=True,
        check=False,
    )
    assert loaded.stderr == b""


def fetch_command(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "edge_agent.cli", "detector", "fetch", *arguments],
        env={**os.environ, "EDGE_AGENT_DATA": str(place)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_takes_the_file_from_an_address_of_ones_own(
    mirror: tuple[Path, str], yunet_bytes: bytes, tmp_path: Path
) -> None:
    folder, address = mirror
    (folder / "mine.onnx").write_bytes(yunet_bytes)
    done = fetch_command(tmp_path / "data", "--source", f"{address}/mine.onnx")
    assert (done.returncode, done.stdout) == (0, f"YuNet is in {tmp_path}/data/{YUNET_FILE}\n")


def test_setting_up_goes_on_without_a_network_and_says_so_in_one_line(tmp_path: Path) -> None:
    nowhere = ("--source", "http://127.0.0.1:9/yunet.onnx")
    assert fetch_command(tmp_path, *nowhere).returncode == ModelError.exit_code
    done = fetch_command(tmp_path, "--optional", *nowhere)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("note: Faces are found by Haar")
    assert done.stderr.count("\n") == 1


def test_without_a_network_the_error_says_where_to_copy_the_file(tmp_path: Path) -> None:
    target = tmp_path / YUNET_FILE
    with pytest.raises(ModelError, match=f"refused.*copy the file to {target}"):
        fetch(target, ["http://127.0.0.1:9/yunet.onnx"], timeout_s=2.0)


def test_a_folder_that_cannot_be_written_is_an_error_with_a_remedy(yunet_bytes: bytes, tmp_path: Path) -> None:
    source = tmp_path / "source.onnx"
    source.write_bytes(yunet_bytes)
    with pytest.raises(ModelError, match=r"cannot be created.*EDGE_AGENT_DATA"):
        fetch(source / YUNET_FILE, [source.as_uri()])


def test_the_environment_names_the_only_data_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EDGE_AGENT_DATA", str(tmp_path))
    assert data_folders() == (tmp_path,)
    assert default_weights() == tmp_path / YUNET_FILE


def test_the_users_own_folder_follows_the_xdg_standard(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("EDGE_AGENT_DATA", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert data_folders()[-1] == tmp_path / "edge-agent"


def test_a_relative_xdg_folder_is_ignored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("EDGE_AGENT_DATA", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", "somewhere")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert data_folders()[-1] == tmp_path / ".local" / "share" / "edge-agent"


def test_the_services_folder_is_searched_and_filled_first_where_it_exists(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    service, own = tmp_path / "service", tmp_path / "own"
    monkeypatch.delenv("EDGE_AGENT_DATA", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(own))
    monkeypatch.setattr("edge_agent.system.data_folders.SYSTEM_DATA", service)
    assert default_weights() == own / "edge-agent" / YUNET_FILE

    service.mkdir()
    assert default_weights() == service / YUNET_FILE
    assert find_weights() is None
    (service / YUNET_FILE).write_bytes(b"")
    assert find_weights() == service / YUNET_FILE


@pytest.mark.parametrize(
    "source",
    [
        "http://admin:Moon77Secret@127.0.0.1:9/yunet.onnx",
        "http://127.0.0.1:9/yunet.onnx?token=Moon77Secret",
        "rtsp//admin:Moon77Secret@cam",
        "http:// admin:Moon77Secret@127.0.0.1/yunet.onnx",
        "http://127.0.0.1:Moon77Secret/yunet.onnx",
    ],
)
def test_a_mirrors_password_is_in_no_message(tmp_path: Path, source: str) -> None:
    with pytest.raises(ModelError) as refused:
        fetch(tmp_path / YUNET_FILE, [source], timeout_s=1)
    assert "Moon77Secret" not in str(refused.value)
    with pytest.raises(ModelError, match=r"http://127\.0\.0\.1:9/yunet\.onnx: "):
        fetch(tmp_path / YUNET_FILE, ["http://127.0.0.1:9/yunet.onnx"], timeout_s=1)
