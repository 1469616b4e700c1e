"""Names of rooms in addresses and in HTML. Devices choose their names, so nothing is taken for granted."""

from __future__ import annotations

import hashlib
from urllib.parse import quote

from edge_agent.client import Device


def element_id(kind: str, device: Device, part: str = "") -> str:
    """An id for an element: letters and digits, whatever the device's name holds."""
    name = "/".join((*device, part)).encode("utf-8", "replace")
    return f"{kind}-{hashlib.sha256(name).hexdigest()[:16]}"


def room_path(device: Device, page: str = "") -> str:
    """The address of a room's page."""
    path = "/".join(quote(part, safe="") for part in ("room", *device))
    return f"/{path}/{page}" if page else f"/{path}"
