"""A 64-bit ARM processor for single programs: QEMU in user mode, described to programs as a Raspberry Pi."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

CORES: Final = 4


@dataclass(frozen=True, slots=True)
class Processor:
    """A core that Raspberry Pis have.

    Attributes:
        name: What QEMU calls it.
        boards: Where it is found.
        part: ARM's number for it, as ``/proc/cpuinfo`` shows it.
        features: What ``/proc/cpuinfo`` lists.
    """

    name: str
    boards: str
    part: int
    features: str


CORTEX_A53: Final = Processor("cortex-a53", "Raspberry Pi 3, Zero 2 W", 0xD03, "fp asimd evtstrm crc32 cpuid")
CORTEX_A72: Final = Processor("cortex-a72", "Raspberry Pi 4", 0xD08, "fp asimd evtstrm crc32 cpuid")
PROCESSORS: Final = (CORTEX_A53, CORTEX_A72)


def cpuinfo(processor: Processor) -> str:
    """``/proc/cpuinfo`` of a board with four such cores."""
    core = (
        f"BogoMIPS\t: 108.00\nFeatures\t: {processor.features}\nCPU implementer\t: 0x41\nCPU architecture: 8\n"
        f"CPU variant\t: 0x0\nCPU part\t: {processor.part:#x}\nCPU revision\t: 3\n"
    )
    return "\n".join(f"processor\t: {number}\n{core}" for number in range(CORES))


def sys_files() -> dict[str, str]:
    """What ``/sys/devices/system/cpu`` of such a board says, by path under it."""
    files = dict.fromkeys(("possible", "present", "online"), f"0-{CORES - 1}\n") | {"kernel_max": f"{CORES - 1}\n"}
    for number in range(CORES):
        files |= {
            f"cpu{number}/topology/core_id": f"{number}\n",
            f"cpu{number}/topology/physical_package_id": "0\n",
            f"cpu{number}/topology/core_siblings_list": f"0-{CORES - 1}\n",
            f"cpu{number}/topology/thread_siblings_list": f"{number}\n",
            f"cpu{number}/cpufreq/cpuinfo_max_freq": "1500000\n",
            f"cpu{number}/cpufreq/cpuinfo_min_freq": "600000\n",
        }
    return files


class Board:
    """One kind of Raspberry Pi on which programs of an unpacked user-land run.

    Files that a program opens are looked for under the board's own root first. The inference runtime reads the
    processor's description there. With this machine's own, of another architecture, LiteRT 2.2 and 2.3 crash.

    Args:
        processor: Its core.
        emulator: The start of a command line: QEMU's ``qemu-aarch64-static``, or another with its options.
        userland: Unpacked Debian packages.
        sites: Folders with the agent and its dependencies.
        root: Where to make the board's own root.
    """

    def __init__(
        self, processor: Processor, emulator: Sequence[str], userland: Path, sites: Sequence[Path], root: Path
    ) -> None:
        self.processor = processor
        self._emulator, self._sites, self._root = emulator, sites, root
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir(parents=True)
        for entry in userland.resolve().iterdir():
            if entry.name not in ("sys", "proc"):
                (root / entry.name).symlink_to(entry)
        described = {"proc/cpuinfo": cpuinfo(processor)}
        described |= {f"sys/devices/system/cpu/{name}": text for name, text in sys_files().items()}
        for name, text in described.items():
            file = root / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")

    def python(self, *arguments: str) -> list[str]:
        """The command line that runs the board's Python."""
        return [
            *self._emulator,
            "-cpu",
            self.processor.name,
            "-L",
            str(self._root),
            str(self._root / "usr/bin/python3.11"),
            *arguments,
        ]

    def environment(self) -> dict[str, str]:
        """Its environment variables: none of this machine's Python, and the agent on the import path."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        ours = {"PYTHONPATH": ":".join(map(str, self._sites)), "PYTHONNOUSERSITE": "1"}
        return {**kept, **ours, "PYTHONFAULTHANDLER": "1"}
