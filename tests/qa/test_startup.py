"""What starts fast loads little: timings vary with the machine, the modules that are loaded do not."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from qa.startup import HERE, STARTS, measure

LOADED = "\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
HELP = """
import sys
from edge_agent.cli import app
sys.argv = ["edge-agent", "--help"]
try:
    app()
except SystemExit:
    print()
"""


def loaded_by(program: str) -> set[str]:
    done = subprocess.run([sys.executable, "-c", program + LOADED], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_a_program_of_the_client_loads_nothing_that_it_may_not_need() -> None:
    loaded = loaded_by("import edge_agent.client")
    assert "edge_agent.client" in loaded
    assert not loaded & {"numpy", "cv2", "ssl", "paho.mqtt.client", "rich", "typer", "importlib.metadata", "fleet"}


def test_help_loads_neither_the_settings_nor_the_schools_tools() -> None:
    loaded = loaded_by(HELP)
    assert "edge_agent.cli" in loaded
    assert not loaded & {"numpy", "cv2", "msgspec", "rich", "edge_agent.config", "fleet", "logging"}


@pytest.mark.slow
def test_starting_is_measured() -> None:
    measured = measure([HERE], runs=1)
    assert {name for name, _ in measured} == set(STARTS)
    assert all(once.processor_s > 0 and once.wall_s > 0 for starts in measured.values() for once in starts)
