"""A separate Python with tflite-runtime and NumPy 1, as on older devices: made once and kept in the checkout."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
REQUIREMENTS = ("tflite-runtime==2.14.0", "numpy<2", "opencv-python-headless<4.12", "msgspec>=0.19")
"""The packages the classifier needs there. tflite-runtime has no wheel for Python after 3.11, and needs NumPy 1."""


class Unavailable(Exception):
    """There is no such Python here; the message says why."""


def python_with_tflite_runtime() -> Path:
    """Find the interpreter of that environment. Make the environment if it is missing or its requirements have changed.

    Raises:
        Unavailable: No Python 3.10 or 3.11 here, or the packages cannot be installed.
    """
    folder = ROOT / ".venv-tflite-runtime"
    python, marker = folder / "bin" / "python", folder / "requirements.txt"
    wanted = "\n".join(REQUIREMENTS) + "\n"
    if python.exists() and marker.is_file() and marker.read_text(encoding="utf-8") == wanted:
        return python
    base = _old_python()
    shutil.rmtree(folder, ignore_errors=True)
    _run(base, "-m", "venv", str(folder))
    _run(str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *REQUIREMENTS)
    marker.write_text(wanted, encoding="utf-8")
    return python


def _old_python() -> str:
    """A Python 3.10 or 3.11 that runs and can make environments."""
    for name in (sys.executable, shutil.which("python3.11"), shutil.which("python3.10")):
        if name is not None:
            check = "import ensurepip, sys, venv; sys.exit(sys.version_info[:2] not in ((3, 10), (3, 11)))"
            if subprocess.run([name, "-c", check], capture_output=True, check=False).returncode == 0:
                return name
    raise Unavailable("tflite-runtime needs Python 3.10 or 3.11, and neither is here")


def _run(*command: str) -> None:
    try:
        subprocess.run(command, capture_output=True, text=True, check=True, timeout=500)
    except subprocess.TimeoutExpired:
        raise Unavailable(f"`{' '.join(command[1:4])}` took longer than 500 s") from None
    except subprocess.CalledProcessError as error:
        raise Unavailable(f"`{' '.join(command[1:4])}` failed: {error.stderr.strip().splitlines()[-1:]}") from None
