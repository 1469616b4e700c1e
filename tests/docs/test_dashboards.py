"""What the page for dashboard authors shows, run as it stands against a real broker and a live agent."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.test_agent import agent
from tests.support.broker import Mosquitto, free_port, running_mosquitto, wait_until
from tests.support.node import node_with

PAGE = (Path(__file__).parents[2] / "docs" / "dashboards.md").read_text(encoding="utf-8")
SCENE = (
    '[camera]\nsource = "simulated"\nfaces = 6\nwidth_px = 640\nheight_px = 480\n'
    "[privacy]\nmin_group = 2\n[summary]\nwindow_s = 1\n"
)


def block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def replaced(code: str, shown: str, here: str) -> str:
    assert code.count(shown) == 1, f"the page no longer shows {shown}"
    return code.replace(shown, here)


@contextmanager
def running(command: list[str | Path], folder: Path, env: dict[str, str] | None = None) -> Iterator[Callable[[], str]]:
    """A program; gives what it has printed so far."""
    with (folder / "printed.txt").open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=env)
        try:
            yield (folder / "printed.txt").read_text
        finally:
            process.terminate()
            process.wait(60)


def watch_a_lesson(printed: Callable[[], str], broker: Mosquitto, folder: Path) -> None:
    """Let the program see a device come, report a class, and go."""
    with agent(broker, folder, SCENE):
        wait_until(lambda: "online" in printed(), 60, "the birth")
        wait_until(lambda: "'happy'" in printed() or "happy:" in printed(), 90, "figures")
    wait_until(lambda: "offline" in printed(), what="the death")
    assert "Traceback" not in printed()


def test_the_lines_of_python_show_a_class(tmp_path: Path) -> None:
    with running_mosquitto(tmp_path) as broker:
        code = replaced(block("python"), '"broker.school.lan"', f'"127.0.0.1", {broker.port}')
        with running([sys.executable, "-c", code], tmp_path) as printed:
            watch_a_lesson(printed, broker, tmp_path)
            assert "pi-3a is offline stopped" in printed()


def test_the_lines_of_javascript_show_a_class(tmp_path: Path) -> None:
    node = node_with("mqtt")
    port = free_port()
    with running_mosquitto(tmp_path, f"listener {port} 127.0.0.1\nprotocol websockets") as broker:
        code = replaced(block("js"), "wss://broker.school.lan:8885", f"ws://127.0.0.1:{port}")
        code = replaced(code, "ca: require('fs').readFileSync('ca.crt'), ", "")
        with running([node.program, "-e", code], tmp_path, node.env) as printed:
            watch_a_lesson(printed, broker, tmp_path)
            assert "north/pi-3a status offline" in printed()


def python_at(host: str, port: int, password: str = "") -> tuple[list[str | Path], dict[str, str] | None]:
    """The page's Python, for another broker and account."""
    account = f', username="dashboard", password="{password}"' if password else ""
    code = replaced(block("python"), '"broker.school.lan"', f'"{host}", {port}{account}')
    return [sys.executable, "-c", code], None


def javascript_at(host: str, port: int, password: str = "") -> tuple[list[str | Path], dict[str, str] | None]:
    """The page's JavaScript, for another broker and account. It waits shorter, so that the test does."""
    node = node_with("mqtt")
    code = replaced(block("js"), "wss://broker.school.lan:8885", f"ws://{host}:{port}")
    code = replaced(code, "ca: require('fs').readFileSync('ca.crt'), ", "")
    code = replaced(code, "'secret'", f"'{password}'")
    return [node.program, "-e", replaced(code, "10000", "2000")], node.env


Example = Callable[..., tuple[list[str | Path], dict[str, str] | None]]
EXAMPLES = pytest.mark.parametrize("example", [python_at, javascript_at])


def ends_with_one_line(command: list[str | Path], env: dict[str, str] | None) -> str:
    """Run a program that is to end by itself, with one line on the error output and code 1; gives the line."""
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, env=env)
    assert ended.returncode == 1, ended
    lines = ended.stderr.splitlines()
    assert len(lines) == 1, ended.stderr
    return lines[0]


@EXAMPLES
def test_a_wrong_password_ends_an_example_with_one_line(example: Example, tmp_path: Path) -> None:
    passwords = tmp_path / "passwords"
    passwords.write_text("")
    subprocess.run(["mosquitto_passwd", "-b", passwords, "dashboard", "right"], check=True, capture_output=True)
    port = free_port()
    config = f"allow_anonymous false\npassword_file {passwords}\nlistener {port} 127.0.0.1\nprotocol websockets"
    with running_mosquitto(tmp_path, config) as broker:
        line = ends_with_one_line(*example("127.0.0.1", port if example is javascript_at else broker.port, "wrong"))
    assert "uthorized" in line or "password" in line
    assert "mqtt." not in line


@EXAMPLES
def test_a_wrong_port_ends_an_example_with_one_line(example: Example) -> None:
    port = free_port()
    line = ends_with_one_line(*example("127.0.0.1", port))
    assert "refused" in line or "REFUSED" in line
    assert str(port) in line


@EXAMPLES
def test_a_port_where_something_else_is_silent_ends_an_example_with_one_line(example: Example) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        line = ends_with_one_line(*example("127.0.0.1", silent.getsockname()[1]))
    assert "does not answer" in line or "timeout" in line


@EXAMPLES
def test_a_wrong_host_ends_an_example_with_one_line(example: Example) -> None:
    line = ends_with_one_line(*example("no-such-host.invalid", 8884))
    assert "no-such-host.invalid" in line


@EXAMPLES
def test_a_broker_that_goes_ends_an_example_with_one_line(example: Example, tmp_path: Path) -> None:
    port = free_port()
    with running_mosquitto(tmp_path, f"listener {port} 127.0.0.1\nprotocol websockets") as broker:
        command, env = example("127.0.0.1", port if example is javascript_at else broker.port)
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=env)
        wait_until(lambda: "New client connected" in broker.log(), 60, "the connection")
        time.sleep(1)
        broker.kill()
        _, said = process.communicate(timeout=60)
        broker.start()
    assert process.returncode == 1
    assert len(said.splitlines()) == 1, said


@pytest.mark.parametrize(("language", "most"), [("python", 20), ("js", 18)])
def test_the_examples_are_short(language: str, most: int) -> None:
    assert len([line for line in block(language).splitlines() if line.strip()]) <= most
