"""Since when what holds now has held: the page's process, or its connection, may have begun in the middle of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from dashboard.live.attention import CAMERA_CONDITIONS, Condition
from edge_agent.client.events import Device

LIFE: Final = (Condition.OFFLINE, Condition.DEAD, Condition.STALE)
"""Conditions of a device that is not alive."""


@dataclass(frozen=True, slots=True)
class LastKnown:
    """What the history knew last of a device. Times are seconds since 1970; 0 where none is known.

    Attributes:
        state: ``online``, ``offline`` or ``stale``; empty where nothing is known.
        state_at: Since when.
        muted: Whether its camera was closed on request.
        muted_at: Since when.
        camera: The state of its camera; empty where nothing is known.
        camera_at: Since when.
    """

    state: str = ""
    state_at: float = 0.0
    muted: bool = False
    muted_at: float = 0.0
    camera: str = ""
    camera_at: float = 0.0


def conditions_since(known: LastKnown) -> dict[Condition, float]:
    """Since when a condition has held, for each that can hold still."""
    found: dict[Condition, float] = {}
    if known.state == "offline":
        found |= dict.fromkeys((Condition.OFFLINE, Condition.DEAD), known.state_at)
    if known.state == "stale":
        found[Condition.STALE] = known.state_at
    if known.muted:
        found[Condition.MUTED] = known.muted_at
    if known.camera in CAMERA_CONDITIONS:
        found[CAMERA_CONDITIONS[known.camera]] = known.camera_at
    return {condition: at for condition, at in found.items() if at}


class Earlier:
    """Gives each time once, and none that something has contradicted meanwhile.

    Args:
        known: What the history knew last, by device.
    """

    def __init__(self, known: Mapping[Device, LastKnown]) -> None:
        self._since = {device: since for device, last in known.items() if (since := conditions_since(last))}

    def take(self, device: Device, condition: Condition, now: float) -> float:
        """Since when a condition holds that begins now as far as the page has seen it."""
        return min(self._since.get(device, {}).pop(condition, now), now)

    def remember(self, device: Device, condition: Condition, since: float) -> None:
        """What holds is out of sight for a while: the connection to the broker is lost."""
        self._since.setdefault(device, {})[condition] = since

    def contradict(self, device: Device, *conditions: Condition) -> None:
        """These do not hold now, so they begin anew if they come."""
        since = self._since.get(device)
        if since:
            for condition in conditions:
                since.pop(condition, None)
