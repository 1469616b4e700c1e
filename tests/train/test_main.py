"""The command line of the training as a whole."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("cv2", "jax", "keras", "matplotlib", "numpy", "tensorflow")


def test_help_loads_no_heavy_library() -> None:
    script = f"import sys, train.__main__; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
