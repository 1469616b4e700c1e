"""What the operating system allows one process: open files, checked before they run out, and threads."""

from __future__ import annotations

import math
import resource

from edge_agent.errors import InputError

MAX_DEVICES_PER_PROCESS = 100
"""Each simulated device has two threads, and the interpreter runs one thread at a time."""
FILES_PER_DEVICE = 5
"""Its connection, the pipe that wakes its publisher, and what opens while a connection is made."""
_OWN_FILES = 64


def processes_for(devices: int, cores: int) -> int:
    """How many processes to spread devices over."""
    return min(devices, max(cores, math.ceil(devices / MAX_DEVICES_PER_PROCESS)))


def allow_files(devices: int) -> None:
    """Raise this process's limit of open files as far as its devices need.

    Raises:
        InputError: The system's hard limit is lower.
    """
    needed = _OWN_FILES + FILES_PER_DEVICE * devices
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise InputError(
            f"open files for {devices} devices in one process",
            received=f"a limit of {hard}",
            expected=f"{needed}",
            remedy="Raise it (ulimit -Hn), or use more --processes",
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
