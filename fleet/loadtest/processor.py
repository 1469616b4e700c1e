"""Processor time, as the kernel counts it."""

from __future__ import annotations

import os
from pathlib import Path

from edge_agent.errors import InputError

_TICKS_S = os.sysconf("SC_CLK_TCK")


def process_seconds(pid: int) -> float:
    """Processor time a process has used, all its threads together.

    Raises:
        InputError: There is no such process.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        raise InputError("--broker-pid", received=pid, expected="the process of a broker on this machine") from None
    return parse_process(stat) / _TICKS_S


def busy_seconds() -> float:
    """Processor time that all programs of this machine have used, over all its cores."""
    return parse_machine(Path("/proc/stat").read_text(encoding="ascii")) / _TICKS_S


def parse_process(stat: str) -> int:
    """Ticks in user and kernel mode. The program's name, in parentheses, may hold spaces and parentheses itself."""
    fields = stat.rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def parse_machine(stat: str) -> int:
    """Ticks of the first line that are neither idle nor waiting for a disk."""
    user, nice, system, _idle, _iowait, irq, softirq, steal = (int(field) for field in stat.split()[1:9])
    return user + nice + system + irq + softirq + steal
