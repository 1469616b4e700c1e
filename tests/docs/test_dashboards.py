"""What the page for dashboard authors shows, run as it stands against a real broker and a live agent."""

from __future__ import annotations

import re
import subprocess
import sys
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


@pytest.mark.parametrize("language", ["python", "js"])
def test_the_examples_are_as_short_as_promised(language: str) -> None:
    assert len([line for line in block(language).splitlines() if line.strip()]) <= 11
