"""The demonstration's page: who opens its address sees the simulated class."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.support.broker import free_port, wait_until


def test_the_demo_prints_an_address_that_shows_the_class_and_leaves_nothing_behind(tmp_path: Path) -> None:
    pytest.importorskip("amqtt")
    port = free_port()
    command = [sys.executable, "-m", "edge_agent.cli", "demo", "--page-port", str(port), "--fps", "2"]
    output = tmp_path / "output"
    environ = {**os.environ, "TMPDIR": str(tmp_path), "COLUMNS": "120"}
    with output.open("wb") as file, subprocess.Popen(command, stdout=file, stderr=file, env=environ) as demo:
        try:
            wait_until(lambda: f"http://127.0.0.1:{port}/" in output.read_text(), 120, "the address of the page")
            wait_until(lambda: "people present" in _text(port), 120, "the class on the page")
            assert "the simulated classroom" in _text(port)
        finally:
            demo.send_signal(signal.SIGINT)
            demo.wait(60)
    assert demo.returncode == 0, output.read_text()
    with pytest.raises(OSError, match=re.compile("refused")):
        _text(port)
    assert list(tmp_path.glob("edge-agent-demo-*")) == []


def _text(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30) as answer:
        text: str = answer.read().decode()
        return text
