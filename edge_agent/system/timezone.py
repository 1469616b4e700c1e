"""The device's time zone, for dashboards that speak of school hours."""

from __future__ import annotations

import os
from pathlib import Path

_LOCALTIME = Path("/etc/localtime")
_NAMED = Path("/etc/timezone")


def timezone_name() -> str:
    """The IANA name, for example ``Europe/Berlin``; empty where the system does not say."""
    named = os.environ.get("TZ", "").lstrip(":")
    if named:
        return named
    try:
        return str(_LOCALTIME.resolve()).split("/zoneinfo/", 1)[1]
    except (OSError, IndexError):
        pass
    try:
        return _NAMED.read_text(encoding="utf-8").strip()
    except OSError:
        return ""
