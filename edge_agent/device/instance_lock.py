"""The instance lock: whether an agent for a device runs on this machine. The kernel frees it when its process ends."""

from __future__ import annotations

import hashlib
import socket
import sys

from edge_agent.mqtt.endpoint import Broker
from edge_agent.protocol.topics import Topics


def acquire(topics: Topics, broker: Broker) -> socket.socket | None:
    """Take the lock of a device at a broker; it is held for as long as the result stays open.

    Returns:
        ``None`` where a process of this machine holds it already, and on platforms without it (all but Linux).
    """
    if not sys.platform.startswith("linux"):
        return None
    name = hashlib.sha256(f"{topics.client_id}@{broker}".encode()).hexdigest()
    held = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        # In Linux's abstract namespace: no file that could be left behind, and it needs no rights to any.
        held.bind(f"\0edge-agent/{name}")
    except OSError:
        held.close()
        return None
    return held


def is_locked(topics: Topics, broker: Broker) -> bool:
    """Whether a process of this machine, this one included, holds the lock of a device at a broker."""
    held = acquire(topics, broker)
    if held is None:
        return sys.platform.startswith("linux")
    held.close()
    return False
