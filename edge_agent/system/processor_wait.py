"""How long a program has run, and its threads have waited for a processor.

The second tells a busy machine from a device that does not answer.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

_THREADS = Path("/proc/self/task")
_PROCESS = Path("/proc/self/stat")
_UPTIME = Path("/proc/uptime")
_BUSY_SHARE = 0.5
"""A thread that waited for the processor for this share of a time could not do its work in it."""


def processor_waits(threads: Path = _THREADS) -> dict[str, float]:
    """Seconds that each thread of this process has waited for a processor so far; empty where the kernel does not say.

    Args:
        threads: Where the kernel tells of threads.
    """
    waits: dict[str, float] = {}
    with contextlib.suppress(OSError):
        for thread in threads.iterdir():
            with contextlib.suppress(OSError, ValueError, IndexError):  # a thread may end meanwhile
                waits[thread.name] = int((thread / "schedstat").read_text().split()[1]) / 1e9
    return waits


def process_age_s(process: Path = _PROCESS, uptime: Path = _UPTIME) -> float:
    """Seconds since this process was started, with the time that its imports took; 0 where the kernel does not say.

    Args:
        process: Where the kernel tells of this process.
        uptime: Where it tells how long the machine has run.
    """
    try:
        began = int(process.read_text().rpartition(")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")
        return max(float(uptime.read_text().split()[0]) - began, 0.0)
    except (OSError, ValueError, IndexError):
        return 0.0


def busy_note(before: Mapping[str, float], after: Mapping[str, float], within_s: float) -> str:
    """What to do where a thread waited for the processor most of the time; empty where none did.

    Args:
        before: What :func:`processor_waits` said at the beginning.
        after: What it says now.
        within_s: Seconds between the two.
    """
    longest_s = max((wait_s - before.get(thread, 0.0) for thread, wait_s in after.items()), default=0.0)
    if longest_s < _BUSY_SHARE * within_s:
        return ""
    return (
        f"The machine is too busy: it waited for the processor for {longest_s:.0f} of {within_s:.0f} s. Stop other "
        "programs ('top' shows them), and try again"
    )
