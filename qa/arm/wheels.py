"""The agent and its locked dependencies, built for 64-bit ARM and installed by that machine's own pip."""

from __future__ import annotations

import os
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Final

from edge_agent.errors import CheckFailed, InputError
from qa.arm.emulator import Board
from qa.fresh import files_fingerprint, is_fresh, mark_fresh

CHECKOUT: Final = Path(__file__).parents[2]
SUITE: Final = "bookworm"
USERLAND: Final = ("python3.11", "python3-pip-whl", "libstdc++6", "ca-certificates")
"""Python as Raspberry Pi OS Bookworm and Debian 12 have it, pip's wheel, and what compiled wheels link to."""
SITES: Final = ("agent", "dependencies")
"""Folders of the cache from which a board imports."""
_LOCKS: Final = ("deploy/requirements.lock", "deploy/build.lock")


def cache_folder() -> Path:
    """Where what is fetched and built stays between runs: ARM_CACHE, or ``.arm`` in the checkout."""
    return Path(os.environ.get("ARM_CACHE") or CHECKOUT / ".arm")


def install_all(board: Board, cache: Path) -> None:
    """Make the wheels and let the board's own pip install them in ``SITES``, as far as they are not up to date.

    Raises:
        InputError: Something cannot be fetched.
        CheckFailed: pip cannot install it.
    """
    house, pip = cache / "wheelhouse", cache / "pip"
    make_wheelhouse(house)
    unpack_pip(cache / "userland", pip)
    install_dependencies(board, pip, house, cache / "dependencies")
    install_agent(board, pip, house, cache / "agent")


def make_wheelhouse(house: Path) -> None:
    """Fill a folder as a technician would for devices without a network, unless the checkout is unchanged.

    Raises:
        InputError: It cannot be made.
    """
    key = files_fingerprint(CHECKOUT, "edge_agent", "fleet", "pyproject.toml", "deploy", "README.md", "LICENSE")
    if is_fresh(house, key):
        return
    command = [str(CHECKOUT / "deploy/make-wheelhouse.sh"), str(house), "--arch", "aarch64", "--python", "3.11"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        words = [line for line in done.stderr.splitlines() if "error" in line.lower()] or done.stderr.splitlines()
        raise InputError(
            f"make-wheelhouse.sh: {' '.join(words[-1:]).strip()}",
            remedy="After a change of the checkout it needs a network",
        )
    mark_fresh(house, key)


def unpack_pip(userland: Path, folder: Path) -> None:
    """Unpack pip's wheel from Debian: read from the archive, it would be compiled again at every start."""
    (wheel,) = (userland / "usr/share/python-wheels").glob("pip-*.whl")
    if not is_fresh(folder, wheel.name):
        shutil.rmtree(folder, ignore_errors=True)
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder)
        mark_fresh(folder, wheel.name)


def install_dependencies(board: Board, pip: Path, house: Path, site: Path) -> None:
    """Let the board's pip install the locked dependencies, hashes checked, unless they are up to date."""
    key = files_fingerprint(CHECKOUT, *_LOCKS)
    if not is_fresh(site, key):
        _install(
            board,
            pip,
            site,
            "--require-hashes",
            "--find-links",
            str(house),
            "--requirement",
            str(house / "requirements.lock"),
        )
        mark_fresh(site, key)


def install_agent(board: Board, pip: Path, house: Path, site: Path) -> None:
    """Let the board's pip install the agent's wheel, unless it is up to date."""
    (wheel,) = house.glob("classroom_edge_agent-*.whl")
    key = files_fingerprint(house, wheel.name)
    if not is_fresh(site, key):
        _install(board, pip, site, str(wheel))
        mark_fresh(site, key)


def _install(board: Board, pip: Path, site: Path, *arguments: str) -> None:
    shutil.rmtree(site, ignore_errors=True)
    command = board.python(
        str(pip / "pip"),
        "install",
        "--quiet",
        "--no-index",
        "--no-deps",
        "--no-compile",
        "--no-cache-dir",
        "--only-binary",
        ":all:",
        "--target",
        str(site),
        *arguments,
    )
    environment = board.environment() | {
        "PIP_ROOT_USER_ACTION": "ignore",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_CONFIG_FILE": "/dev/null",
    }
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CheckFailed(f"pip on {board.processor.name} cannot install {arguments[-1]}: {done.stderr.strip()}")
