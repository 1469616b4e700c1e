"""A Python in which the packages that extras bring cannot be imported, as if they had never been installed."""

from __future__ import annotations

import os
import subprocess
import sys

MODULES = ("numpy", "cv2", "ai_edge_litert", "cryptography", "amqtt", "tensorflow", "keras", "jax", "matplotlib")
_START = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {absent!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
sys.argv = {argv!r}
"""


def run_without(
    program: str, *arguments: object, absent: tuple[str, ...] = MODULES, **environ: str
) -> subprocess.CompletedProcess[str]:
    """Run a program text in a process of its own where the modules ``absent`` do not exist."""
    start = _START.format(absent=absent, argv=["program", *map(str, arguments)])
    return subprocess.run(
        [sys.executable, "-c", start + program],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
