"""Erasing what is stored, noted in the log: for the page's button and for the command."""

from __future__ import annotations

from collections.abc import Callable

from dashboard.access.details import Detail, span_detail
from dashboard.history.store import History
from edge_agent.client.events import Device

Note = Callable[[Device | None, Detail], None]
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
    note(device, span_detail(start, end))
    counts = history.erase(device, start, end)
    note(device, Detail("done", {"counts": {kind: count for kind, count in counts.items() if count}}))
    return counts
