"""`edge-agent setup` in a real terminal, and from a file of answers, at a real broker."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from edge_agent.config import Settings
from edge_agent.config_file import load_settings
from tests.support.broker import Mosquitto, free_port
from tests.support.messaging import mosquitto
from tests.support.terminal import TerminalSession, terminal

__all__ = ["mosquitto"]
COMMAND = [sys.executable, "-m", "edge_agent.cli", "setup"]
ANSWERS = """
[device]
site = "north"

[camera]
source = "rtsp"
url = "rtsp://camera.local/stream"
fps = 8

[policy]
jurisdiction = "Switzerland"
setting = "school"
legal_basis = "public task"
declared_by = "M. Müller, head of school"

[mqtt]
host = "127.0.0.1"
port = {port}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "device"
    place.mkdir()
    return place


@pytest.fixture(autouse=True)
def _data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGE_AGENT_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("TZ", "Europe/Zurich")


def setup(folder: Path) -> AbstractContextManager[TerminalSession]:
    return terminal([*COMMAND, "--out", "agent.toml"], folder)


def from_file(folder: Path, text: str, *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "answers.toml").write_text(text, encoding="utf-8")
    command = [*COMMAND, "--out", "agent.toml", "--answers", "answers.toml", *options]
    return subprocess.run(
        command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=100, check=False
    )


def written(folder: Path) -> Settings:
    return load_settings(folder / "agent.toml")


def answer_broker(session: TerminalSession, port: int, *, user: str = "", password: str = "") -> None:
    session.answer("address of the broker", "127.0.0.1")
    session.answer("encrypt", "n")
    session.answer("Port", str(port))
    session.answer("User name at the broker", user)
    if user:
        session.answer("File with the password", password)


def test_a_terminal_is_asked_and_a_valid_commented_file_is_written(folder: Path, mosquitto: Mosquitto) -> None:
    with setup(folder) as session:
        session.answer("school or building", "north")
        session.answer("this device", "pi-3a")
        session.answer("Classroom", "2b")
        session.expect("Time zone: Europe/Zurich.")
        session.answer("Which", "s")
        session.answer("What leaves the device [summary]")
        session.answer("Look through the camera", "n")
        answer_broker(session, mosquitto.port)
        session.expect("may publish and subscribe")
        session.answer("agent.toml (y/n) [y]")
        assert session.leave() == 0
    settings = written(folder)
    assert (settings.device.site, settings.device.id, settings.device.room) == ("north", "pi-3a", "2b")
    assert (settings.camera.source, settings.privacy.level, settings.mqtt.port) == (
        "simulated",
        "summary",
        mosquitto.port,
    )
    assert settings.outbox.path.endswith("/data/outbox.db")
    text = (folder / "agent.toml").read_text(encoding="utf-8")
    assert text.count("\n# ") > 10
    assert stat.S_IMODE((folder / "agent.toml").stat().st_mode) == 0o600
    check = [sys.executable, "-m", "edge_agent.cli", "check", "agent.toml"]
    assert subprocess.run(check, cwd=folder, timeout=100, check=False).returncode == 0


def test_every_wrong_answer_is_refused_at_once_and_asked_again(folder: Path, mosquitto: Mosquitto) -> None:
    (folder / "password").write_text("secret\n")
    with setup(folder) as session:
        session.answer("school or building", "north school")
        session.expect("your answer: $.device.site: got 'north school', expected letters")
        session.answer("school or building", "north")
        session.answer("this device", "pi-3a")
        session.answer("Classroom")
        for choice in ("77", "²"):
            session.answer("Which", choice)
            session.expect("n, s or f")
        session.answer("Which", "n")
        session.answer("Kind of stream", "rtmp")
        session.expect("expected one of rtsp, http, snapshot")
        session.answer("Kind of stream", "rtsp")
        session.answer("Address", "camera")
        session.expect("camera.url")
        session.answer("Address", "rtsp://admin:s3cret@camera.local/stream")
        session.expect("got an address with a user")
        session.answer("Address", "rtsp://camera.local/stream")
        session.answer("User name at the camera", "viewer")
        session.answer("File with the password", "no-such-file")
        session.expect("cannot be read")
        session.answer("File with the password", str(folder / "password"))
        session.answer("Country whose law holds [CH]", "Atlantis")
        session.expect("Atlantis")
        session.answer("Country whose law holds [CH]", "Suisse")
        session.expect("jurisdiction = CH (Switzerland)")
        session.answer("Where the camera hangs", "pub")
        session.answer("Where the camera hangs", "school")
        session.expect("setting = education")
        session.answer("Legal basis", "public task")
        session.answer("Who answers", "12")
        session.answer("Who answers", "M. Brown, head of school")
        session.answer("What leaves", "all")
        session.expect("one of faces, summary")
        session.answer("What leaves", "faces")
        session.answer("Look through", "n")
        answer_broker(session, free_port())
        session.expect("refused")
        session.answer("Change these answers", "y")
        answer_broker(session, mosquitto.port, user="viewer", password=str(folder / "password"))
        session.expect("may publish and subscribe")
        session.answer("agent.toml (y/n) [y]")
        assert session.leave() == 0
    settings = written(folder)
    assert (settings.policy.jurisdiction, settings.policy.setting) == ("CH", "education")
    assert (settings.policy.legal_basis, settings.privacy.level) == ("public_task", "faces")
    assert settings.camera.password_file == settings.mqtt.password_file == str(folder / "password")


def test_an_address_in_the_place_of_a_file_is_refused_without_a_word_of_it(folder: Path) -> None:
    with setup(folder) as session:
        session.answer("school or building")
        session.answer("this device")
        session.answer("Classroom")
        session.answer("Which", "f")
        for address in ("rtsp//admin:Moon77Secret@cam/s", "cam,admin,Moon77Secret", "http://cam/a.mp4?p=Moon77Secret"):
            session.answer("recording", address)
            session.expect("camera.path: got an address, or the name of a file that is not there")
        session.interrupt()
        assert session.leave() == 130


def test_what_the_law_forbids_is_refused_when_the_basis_is_named(folder: Path) -> None:
    with setup(folder) as session:
        for question in ("school or building", "this device", "Classroom"):
            session.answer(question)
        session.answer("Which", "n")
        session.answer("Kind of stream", "rtsp")
        session.answer("Address", "rtsp://camera.local/stream")
        session.answer("User name at the camera")
        session.answer("Country", "Deutschland")
        session.expect("jurisdiction = DE")
        session.answer("Where the camera hangs", "education")
        session.answer("Legal basis", "consent")
        session.expect("prohibits inferring emotions")
        session.answer("Legal basis", "medical")
        session.expect("Who answers")


@pytest.mark.parametrize("at", ["school or building", "Which", "address of the broker", "(y/n) [y]"])
def test_ctrl_c_at_any_question_leaves_no_file(folder: Path, mosquitto: Mosquitto, at: str) -> None:
    answers = [
        ("school or building", "north"),
        ("this device", "pi-3a"),
        ("Classroom", "2b"),
        ("Which", "s"),
        ("What leaves", ""),
        ("Look through", "n"),
        ("address of the broker", "127.0.0.1"),
        ("encrypt", "n"),
        ("Port", str(mosquitto.port)),
        ("User name", ""),
        ("agent.toml (y/n) [y]", ""),
    ]
    with setup(folder) as session:
        for question, answer in answers:
            if at in question:
                session.expect(question)
                session.interrupt()
                break
            session.answer(question, answer)
        assert session.leave() == 130
        assert "Nothing was written" in session.shown
    assert list(folder.iterdir()) == []


def test_a_file_that_is_there_is_overwritten_only_after_a_yes_and_gives_the_defaults(
    folder: Path, mosquitto: Mosquitto
) -> None:
    camera = '[camera]\nsource = "simulated"\nfaces = 9\n'
    before = f'[device]\nsite = "south"\nid = "pi-9"\n{camera}[mqtt]\nport = {mosquitto.port}\n'
    (folder / "agent.toml").write_text(before)
    with setup(folder) as session:
        session.answer("Overwrite it")
        assert session.leave() == 0
    assert (folder / "agent.toml").read_text() == before
    with setup(folder) as session:
        session.answer("Overwrite it", "y")
        session.answer("school or building", "")
        session.answer("this device, different on each [pi-9]", "")
        session.answer("Classroom", "2b")
        session.answer("Which [s]", "")
        session.answer("What leaves", "")
        session.answer("Look through", "n")
        session.answer("address of the broker", "127.0.0.1")
        session.answer("encrypt", "")
        session.answer(f"Port [{mosquitto.port}]", "")
        session.answer("User name", "")
        session.answer("agent.toml (y/n) [y]", "")
        assert session.leave() == 0
    settings = written(folder)
    assert (settings.device.site, settings.device.id, settings.camera.faces) == ("south", "pi-9", 9)


def test_a_look_through_the_camera_says_what_it_sees(folder: Path) -> None:
    with setup(folder) as session:
        for question in ("school or building", "this device", "Classroom"):
            session.answer(question)
        session.answer("Which", "s")
        session.answer("What leaves")
        session.answer("Look through", "y")
        session.expect("faces")
        session.answer("Choose another camera", "n")
        session.expect("The broker")


def test_a_file_of_answers_serves_a_device_without_a_terminal(folder: Path, mosquitto: Mosquitto) -> None:
    done = from_file(folder, ANSWERS.format(port=mosquitto.port))
    assert (done.returncode, done.stderr) == (0, "")
    assert "may publish and subscribe" in done.stdout
    settings = written(folder)
    assert (settings.policy.jurisdiction, settings.policy.setting) == ("CH", "education")
    assert (settings.policy.legal_basis, settings.policy.declared_by) == ("public_task", "M. Müller, head of school")
    assert (settings.camera.fps, settings.privacy.level) == (8, "summary")
    assert settings.device.id == os.uname().nodename.partition(".")[0]
    again = from_file(folder, ANSWERS.format(port=mosquitto.port))
    assert again.returncode == 3
    assert "--force" in again.stderr
    assert from_file(folder, ANSWERS.format(port=mosquitto.port), "--force").returncode == 0


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        ("[device]\nrooom = '2b'\n", 4, "$.device.rooom: got a key this version does not know"),
        ("[devices]\nid = 'x'\n", 4, "$.devices: got a key this version does not know"),
        ("[device]\nid = 'a b'\n", 4, "$.device.id"),
        ("[camera]\nsource = 'simulated'\nfps = 0\n", 4, "$.camera.fps: got 0, expected 1 to 60"),
        ("[camera]\nsource = 'v4l2'\n", 4, "$.policy: got no jurisdiction"),
        ("[camera]\nsource = 'simulated'\n[mqtt]\nusername = 'x'\npassword_file = 'none'\n", 4, "password_file"),
        ("[camera\n", 4, "not valid TOML"),
        ("[camera]\nsource = 'simulated'\n[mqtt]\nhost = '127.0.0.1'\nport = 1\n", 7, "broker 127.0.0.1:1"),
    ],
)
def test_a_wrong_answer_is_refused_by_name_and_nothing_is_written(
    folder: Path, more: str, code: int, said: str
) -> None:
    done = from_file(folder, more)
    assert done.returncode == code
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert [path.name for path in folder.iterdir()] == ["answers.toml"]


def test_without_a_terminal_and_answers_it_says_what_to_do(folder: Path) -> None:
    done = subprocess.run(
        COMMAND, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 3
    assert "--answers FILE" in done.stderr


def test_all_settings_that_answers_may_hold_survive_the_way_into_the_file(folder: Path) -> None:
    done = from_file(
        folder,
        '[camera]\nsource = "simulated"\n'
        '[[detector.ignore]]\npoints = [[0, 0], [0.3, 0], [0.3, 0.2]]\nname = "po\\"ster"\n'
        '[classifier]\nprior = "balanced"\n[mqtt.tls]\nenabled = false\n[device]\nroom = "Zürich 2b \\\\ 🏫"\n',
        "--no-broker",
    )
    assert (done.returncode, done.stderr) == (0, "")
    settings = written(folder)
    assert settings.detector.ignore[0].name == 'po"ster'
    assert settings.device.room == "Zürich 2b \\ 🏫"
