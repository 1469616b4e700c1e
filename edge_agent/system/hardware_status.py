"""What the hardware reports of its heat and power, read from sysfs; other platforms report less or nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

SYS = Path("/sys")

_FIRMWARE_FLAGS = "devices/platform/soc*/soc*:firmware/get_throttled"
"""On a Pi 5 the names carry an address: ``soc@107c000000``."""
_THROTTLED_NOW = 0b1111
"""Bits of the Raspberry Pi firmware's word that speak of this moment: under-voltage, capped, throttled, soft limit."""
_PROCESSOR_ZONES = ("cpu", "soc", "x86_pkg", "k10temp")
_PROCESSOR_COOLERS = ("cpufreq", "Processor")
"""Kinds of cooling device that cool by slowing the processor down; any state but 0 means that they do."""


@dataclass(frozen=True, slots=True)
class HardwareStatus:
    """How warm the processor is, and whether it is slowed down.

    Attributes:
        temperature_c: Of the processor's hottest zone, in degrees Celsius; ``None`` where it is not known.
        throttled: Whether the processor is slowed down at this moment for heat or low voltage; ``None`` where that is
            not known.
    """

    temperature_c: float | None = None
    throttled: bool | None = None


def read_hardware_status(platform: Path = SYS) -> HardwareStatus:
    """The status at this moment; nothing is raised, whatever the files say.

    Args:
        platform: Root of sysfs.
    """
    return HardwareStatus(_temperature_c(platform), _throttled(platform))


def _temperature_c(platform: Path) -> float | None:
    zones = sorted((platform / "class/thermal").glob("thermal_zone*"))
    read = [(_text(zone / "type") or "", _number(zone / "temp", 10)) for zone in zones]
    known = [(kind, value) for kind, value in read if value is not None]
    of_processor = [value for kind, value in known if any(name in kind for name in _PROCESSOR_ZONES)]
    values = of_processor or [value for _, value in known]
    return round(max(values) / 1000.0, 1) if values else None


def _throttled(platform: Path) -> bool | None:
    words = [_number(path, 16) for path in platform.glob(_FIRMWARE_FLAGS)]
    flags = [word for word in words if word is not None]
    if flags:
        return any(word & _THROTTLED_NOW for word in flags)
    coolers = [
        _number(cooler / "cur_state", 10)
        for cooler in (platform / "class/thermal").glob("cooling_device*")
        if any(name in (_text(cooler / "type") or "") for name in _PROCESSOR_COOLERS)
    ]
    states = [state for state in coolers if state is not None]
    return any(state > 0 for state in states) if states else None


def _number(path: Path, base: int) -> int | None:
    try:
        return int(_text(path) or "", base)
    except ValueError:
        return None


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
