"""How much of the machine's memory a process holds."""

from __future__ import annotations

from pathlib import Path


def resident_mb(process: int | str = "self") -> float | None:
    """The memory that a process holds (RSS), in units of 1,048,576 bytes with one decimal.

    Args:
        process: Its number; this process by default.

    Returns:
        None where the system has no ``/proc``, or no such process.
    """
    try:
        lines = Path(f"/proc/{process}/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None
    kilobytes = next((line.split()[1] for line in lines if line.startswith("VmRSS:")), None)
    return None if kilobytes is None else round(int(kilobytes) / 1024, 1)
