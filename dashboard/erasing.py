"""Erasing what is stored, noted in the log: for the page's button and for the command."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime

from dashboard.history.store import History
from edge_agent.client.events import Device

Note = Callable[[Device | None, str], None]
"""Writes into the log what happens: to which device, ``None`` for all, and what."""


def erase_and_note(history: History, device: Device | None, start: float, end: float, note: Note) -> dict[str, int]:
    """Erase; see :meth:`dashboard.history.store.History.erase`. It is noted before it is done, and what came of it.

    Args:
        history: Where it is stored.
        device: Whose; ``None`` for all.
        start: From this time on, in seconds since 1970; minus infinity for the begin.
        end: Up to this time; infinity for whatever is stored.
        note: Writes it into the log.

    Raises:
        InputError: The device is not known, or the end is before the begin.
        DatabaseError: It cannot be noted, and so is not done; or it cannot be erased.
    """
    note(device, f"from {shown_time(start)} to {shown_time(end)}")
    counts = history.erase(device, start, end)
    note(device, f"done: {shown_counts(counts)}")
    return counts


def shown_counts(counts: dict[str, int]) -> str:
    """How many rows of each kind were erased."""
    return ", ".join(f"{count} {kind}" for kind, count in counts.items() if count) or "nothing was stored"


def shown_time(moment: float) -> str:
    """A time, or the begin or end of all times."""
    if math.isinf(moment):
        return "the beginning" if moment < 0 else "now"
    return datetime.fromtimestamp(moment).astimezone().isoformat(timespec="minutes")
