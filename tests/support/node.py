"""Node with packages from npm, for tests of what programs in JavaScript see."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

INSTALLED = Path(__file__).parents[2] / ".node" / "node_modules"
"""Where ``make node`` puts the packages; ``NODE_PATH`` may name another place."""


@dataclass(frozen=True)
class Node:
    """The program and the environment in which it finds its packages."""

    program: str
    env: dict[str, str]


def node_with(*packages: str) -> Node:
    """Node that finds these packages; skips the test where there is none."""
    program = shutil.which("node")
    if program is None:
        pytest.skip("Node is not installed (Debian: apt install nodejs npm, then: make node)")
    env = {**os.environ, "NODE_PATH": os.environ.get("NODE_PATH") or str(INSTALLED)}
    for package in packages:
        found = subprocess.run([program, "-e", f"require.resolve('{package}')"], capture_output=True, env=env)
        if found.returncode:
            pytest.skip(f"the npm package {package} is not installed (make node)")
    return Node(program, env)
