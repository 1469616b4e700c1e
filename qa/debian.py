"""Programs and libraries of Debian, unpacked into a folder: neither root nor a chroot is needed.

apt does the work in a state of its own, apart from the machine's: it checks the archive's signature, resolves
dependencies, and compares every package with its hash.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from edge_agent.errors import InputError
from qa.fresh import fingerprint, is_fresh, mark_fresh

DEFAULT_MIRROR: Final = "http://deb.debian.org/debian"
KEYRING: Final = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
EMULATOR: Final = "qemu-user-static"
EMULATOR_FOR_PLUGINS: Final = "qemu-user"
"""The same, linked to shared libraries: only this one loads plugins."""


def mirror() -> str:
    """Where packages come from: DEBIAN_MIRROR, or Debian's own default."""
    return os.environ.get("DEBIAN_MIRROR") or DEFAULT_MIRROR


def here() -> str:
    """This machine's architecture by Debian's name, such as ``amd64``.

    Raises:
        InputError: It has no ``dpkg``.
    """
    return _output_of(["dpkg", "--print-architecture"]).strip()


def apt_settings(state: Path, architectures: Sequence[str]) -> str:
    """apt's configuration for a state of its own.

    Args:
        state: Folder of lists, downloads and the empty list of installed packages.
        architectures: Debian's names of those that packages may be for. Packages are for the first, unless named.
    """
    listed = " ".join(f'"{name}";' for name in architectures)
    return f"""Dir::State "{state}";
Dir::State::status "{state}/status";
Dir::Cache "{state}/cache";
Dir::Etc::sourcelist "{state}/sources.list";
Dir::Etc::sourceparts "-";
Dir::Etc::preferences "-";
Dir::Etc::preferencesparts "-";
APT::Architecture "{architectures[0]}";
APT::Architectures {{ {listed} }};
APT::Install-Recommends "false";
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::Retries "3";
"""


def source_line(address: str, suite: str, architectures: Sequence[str]) -> str:
    """The line of ``sources.list`` that names one archive and the key that must have signed it."""
    return f"deb [arch={','.join(architectures)} signed-by={KEYRING}] {address} {suite} main\n"


class Archive:
    """Packages of one release of Debian.

    Args:
        folder: Where downloads are kept between runs.
        suite: The release: ``bookworm``, ``sid``.
        architecture: Debian's name of the processor that they are for; this machine's where empty.

    Raises:
        InputError: This machine lacks apt, dpkg or Debian's keys.
    """

    def __init__(self, folder: Path, suite: str, architecture: str = "") -> None:
        missing = [program for program in ("apt-get", "dpkg", "dpkg-deb") if shutil.which(program) is None]
        if missing or not KEYRING.exists():
            raise InputError(
                f"this machine has no {', '.join(missing) or KEYRING}",
                expected="Debian or a derivative, with the package debian-archive-keyring",
            )
        self._state, self._suite, self._here = folder.resolve(), suite, here()
        wanted = list(dict.fromkeys((architecture or self._here, self._here)))
        self._lists_updated = False
        for place in ("lists/partial", "cache/archives/partial"):
            (self._state / place).mkdir(parents=True, exist_ok=True)
        (self._state / "status").write_text("")
        (self._state / "sources.list").write_text(source_line(mirror(), suite, wanted))
        (self._state / "apt.conf").write_text(apt_settings(self._state, wanted))

    def unpack(self, root: Path, packages: Sequence[str]) -> None:
        """Fill a folder with these packages and what they need, unless it has them already.

        Raises:
            InputError: They cannot be fetched.
        """
        key = fingerprint(self._suite, *packages)
        if is_fresh(root, key):
            return
        self._unpack_with_dependencies(packages, root, self._state / "cache" / "archives")
        mark_fresh(root, key)

    def unpack_emulator(self, folder: Path) -> Path:
        """QEMU's emulator of single programs, built for this machine, in a folder; fetched unless it is there."""
        key, program = fingerprint(self._suite, EMULATOR, self._here), folder / "qemu-aarch64-static"
        if is_fresh(folder, key):
            return program
        self._update_lists()
        self._apt("download", f"{EMULATOR}:{self._here}", folder=self._state)
        (package,) = self._state.glob(f"{EMULATOR}_*.deb")
        folder.mkdir(parents=True, exist_ok=True)
        # The package contains an emulator for every processor.
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(package)], stdout=subprocess.PIPE) as unpacking:
            assert unpacking.stdout is not None
            with tarfile.open(fileobj=unpacking.stdout, mode="r|") as tar:
                for member in tar:
                    if member.name.endswith(f"/{program.name}"):
                        inside = tar.extractfile(member)
                        assert inside is not None
                        program.write_bytes(inside.read())
        program.chmod(0o755)
        package.unlink()
        mark_fresh(folder, key)
        return program

    def unpack_emulator_for_plugins(self, folder: Path) -> list[str]:
        """The start of a command line that emulates a program and may load plugins; fetched unless it is there.

        The emulator runs with the libraries that it was built for, whatever this machine has.
        """
        key = fingerprint(self._suite, EMULATOR_FOR_PLUGINS, self._here)
        if not is_fresh(folder, key):
            archives = self._state / "cache" / EMULATOR_FOR_PLUGINS
            self._unpack_with_dependencies((f"{EMULATOR_FOR_PLUGINS}:{self._here}",), folder, archives)
            mark_fresh(folder, key)
        (loader,) = (folder / "lib").glob("*/ld-linux-*.so.*")
        libraries = (loader.parent, folder / "usr" / "lib" / loader.parent.name)
        return [str(loader), "--library-path", ":".join(map(str, libraries)), str(folder / "usr/bin/qemu-aarch64")]

    def _unpack_with_dependencies(self, packages: Sequence[str], folder: Path, archives: Path) -> None:
        (archives / "partial").mkdir(parents=True, exist_ok=True)
        self._update_lists()
        place = f"Dir::Cache::archives={archives}"
        self._apt("install", "--option", place, "--yes", "--download-only", *packages)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for package in sorted(archives.glob("*.deb")):
            _output_of(["dpkg-deb", "--extract", str(package), str(folder)])

    def _update_lists(self) -> None:
        """Fetch the archive's signed lists, once per run, and delete packages that they no longer name."""
        if not self._lists_updated:
            self._apt("update")
            self._apt("autoclean")
            self._lists_updated = True

    def _apt(self, *arguments: str, folder: Path | None = None) -> None:
        done = subprocess.run(
            ["apt-get", "--quiet", "--option", "APT::Update::Error-Mode=any", *arguments],
            env={**os.environ, "APT_CONFIG": str(self._state / "apt.conf"), "LC_ALL": "C.UTF-8"},
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            words = [line for line in done.stderr.splitlines() if line.startswith(("E:", "W:"))]
            raise InputError(
                f"apt-get {arguments[0]} from {mirror()}: {' '.join(words[-2:]) or done.stderr.strip()}",
                remedy="The first run needs a network; DEBIAN_MIRROR names another mirror",
            )


def _output_of(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise InputError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout
