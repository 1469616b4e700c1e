"""Try the device's part and the page with each Python, and with the oldest and newest allowed packages of each.

``python -m qa.versions`` makes an environment for each pair from scratch, with uv, and runs quick tests in it. uv is
taken from the search path, or installed into a folder of its own. A Python that is not here is fetched from Debian.
Prints a table, and exits with 1 where something failed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from edge_agent.config_file import parse_toml
from edge_agent.errors import InputError
from qa.pythons import DEBIAN_SUITES, debian_python, find_python

PYTHONS: Final = ("3.10", "3.11", "3.12", "3.13", "3.14")
PACKAGES: Final = ("oldest", "newest")
_RESOLUTION: Final = {"oldest": "lowest-direct", "newest": "highest"}
_TESTS: Final = (
    *("addresses", "client", "commands", "device", "enrol", "health", "model_format", "mqtt", "outbox", "privacy"),
    *("protocol", "simulate", "system", "update", "vision", "test_config.py", "test_pipeline.py", "test_files.py"),
    *("conformance", "console", "dashboard", "fleet", "notice", "setup", "test_extras.py"),
)
_EXTRAS: Final = "demo,fleet,notice,postgresql,parquet"
_NO_TEST_TOOLS: Final = ("ruff", "mypy", "import-linter", "pre-commit", "classroom-edge-agent")
_NOT_COPIED: Final = (".git", ".venv*", ".arm", ".home-assistant", ".*_cache", ".hypothesis", "__pycache__", "build")
_ROOT: Final = Path(__file__).resolve().parent.parent
_SHOWN: Final = (
    *("numpy", "opencv-python-headless", "ai-edge-litert", "paho-mqtt", "msgspec", "typer", "rich", "cryptography"),
)

_FROM_WHEELS: Final = (
    *_SHOWN,
    "scipy",
    "matplotlib",
    "sqlalchemy",
    "arro3-core",
    "argon2-cffi-bindings",
    "psycopg-binary",
)
"""Packages with native code. Versions of which there is no wheel for a Python are none that this Python can use."""

Outcome = Literal["passed", "failed", "not installable", "not here"]


@dataclass(frozen=True, slots=True)
class Cell:
    """One Python with one choice of packages.

    Attributes:
        python: Its version, such as ``3.13``.
        packages: ``oldest`` or ``newest``.
        outcome: What came of it.
        detail: Versions, or why not.
    """

    python: str
    packages: str
    outcome: Outcome
    detail: str


def try_versions(
    folder: Path, pythons: Sequence[str], packages: Sequence[str], tests: Sequence[str], *, debian: bool = False
) -> list[Cell]:
    """Try each pair, one after the other.

    Args:
        folder: Empty; environments and logs go there.
        pythons: Versions to look for.
        packages: ``oldest``, ``newest``.
        tests: Folders and files under ``tests``.
        debian: Take Debian's own Python also where this machine has that version.
    """
    uv, checkout = _find_uv(folder), folder / "checkout"
    # The tests read the tree for hours, and it may change meanwhile.
    shutil.copytree(_ROOT, checkout, ignore=shutil.ignore_patterns(*_NOT_COPIED))
    cells = []
    for version in pythons:
        try:
            interpreter = (None if debian else find_python(version)) or debian_python(version, folder, uv)
        except InputError as error:
            reason = str(error) if debian else f"not on the search path, not under pyenv; {error}"
            cells += [Cell(version, choice, "not here", reason) for choice in packages]
            continue
        for choice in packages:
            began = time.monotonic()
            cell = _try(uv, folder / f"{version}-{choice}", checkout, interpreter, version, choice, tests)
            sys.stdout.write(f"{version} {choice}: {cell.outcome} after {time.monotonic() - began:.0f} s\n")
            sys.stdout.flush()
            cells.append(cell)
    return cells


def test_tools(pyproject: Path) -> list[str]:
    """What the tests need of the extra ``dev``: no linters, and nothing of this project."""
    wanted: list[str] = parse_toml(pyproject.read_text(encoding="utf-8"))["project"]["optional-dependencies"]["dev"]
    return [line for line in wanted if not line.startswith(_NO_TEST_TOOLS)]


def _find_uv(folder: Path) -> Path:
    found = shutil.which("uv")
    if found is not None:
        return Path(found)
    subprocess.run([sys.executable, "-m", "venv", str(folder / "uv")], check=True)
    pip = [str(folder / "uv" / "bin" / "python"), "-m", "pip", "install", "--quiet", "uv"]
    subprocess.run(pip, check=True)
    return folder / "uv" / "bin" / "uv"


def _try(
    uv: Path, folder: Path, checkout: Path, interpreter: Path, version: str, choice: str, tests: Sequence[str]
) -> Cell:
    folder.mkdir()
    python, log = folder / "venv" / "bin" / "python", folder / "log"
    wheels = [part for name in _FROM_WHEELS for part in ("--only-binary", name)]
    install = [str(uv), "pip", "install", "--python", str(python), "--resolution", _RESOLUTION[choice], *wheels]
    with log.open("wb") as output:
        for command in (
            [str(uv), "venv", "--python", str(interpreter), str(folder / "venv")],
            [*install, f"{checkout}[{_EXTRAS}]", *test_tools(checkout / "pyproject.toml")],
        ):
            if subprocess.run(command, stdout=output, stderr=output, check=False).returncode:
                return Cell(version, choice, "not installable", f"see {log}: {_last_line(log)}")
        command = [str(python), "-m", "pytest", "--quick", "-q", "-p", "no:cacheprovider", *_paths(tests)]
        code = subprocess.run(
            command, cwd=checkout, stdout=output, stderr=output, env=_environment(checkout), check=False
        )
    versions = _versions(uv, python)
    if code.returncode:
        return Cell(version, choice, "failed", f"see {log}: {_last_line(log)}; {versions}")
    return Cell(version, choice, "passed", f"{_last_line(log)}; {versions}")


def _paths(tests: Iterable[str]) -> list[str]:
    return [f"tests/{name}" for name in tests if (_ROOT / "tests" / name).exists()]


def _environment(checkout: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(checkout)}


def _versions(uv: Path, python: Path) -> str:
    done = subprocess.run(
        [str(uv), "pip", "freeze", "--python", str(python)], capture_output=True, text=True, check=False
    )
    installed = dict(line.split("==") for line in done.stdout.splitlines() if line.count("==") == 1)
    return ", ".join(f"{name} {installed[name]}" for name in _SHOWN if name in installed)


def _last_line(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1].strip("= ") if lines else ""


def main() -> int:
    """Read the command line, try, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m qa.versions", description=__doc__)
    parser.add_argument("--python", nargs="+", metavar="VERSION", help=f"of {', '.join(PYTHONS)}")
    parser.add_argument("--packages", nargs="+", default=PACKAGES, choices=PACKAGES)
    parser.add_argument("--tests", nargs="+", default=_TESTS, metavar="NAME", help="folders and files under tests")
    suites = ", ".join(f"{version} of {suite}" for version, suite in DEBIAN_SUITES.items())
    parser.add_argument("--debian", action="store_true", help=f"Debian's own Pythons: {suites}")
    options = parser.parse_args()
    pythons = options.python or (DEBIAN_SUITES if options.debian else PYTHONS)
    folder = Path(tempfile.mkdtemp(prefix="versions-"))
    folder.chmod(0o755)  # tests run the program as another user too
    cells = try_versions(folder, list(pythons), options.packages, options.tests, debian=options.debian)
    sys.stdout.write("\n| Python | packages | outcome | |\n| --- | --- | --- | --- |\n")
    sys.stdout.writelines(f"| {c.python} | {c.packages} | {c.outcome} | {c.detail} |\n" for c in cells)
    if all(cell.outcome in ("passed", "not here") for cell in cells):
        shutil.rmtree(folder)
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
