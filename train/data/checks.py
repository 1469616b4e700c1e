"""Checks and error handling that all loaders share."""

from __future__ import annotations

from typing import Final, Literal

from edge_agent.errors import InputError

OnUnreadable = Literal["error", "report"]
"""What to do about a broken row or picture: stop with the error, or skip it and list it."""

MAX_FAULTS: Final = 100_000
"""So many rows or pictures that cannot be read are listed, and no more: they would fill the memory."""
_SEE_ALL: Final = "'python -m train describe' lists all that cannot be read"


class Faults:
    """Raises the first fault in a row or picture, or collects them all, as the caller chose."""

    def __init__(self, on_unreadable: OnUnreadable) -> None:
        self._raise = on_unreadable == "error"
        self._found: list[str] = []

    def add(self, fault: InputError) -> None:
        """Record a fault.

        Raises:
            InputError: The fault and how to see the others, where the caller asked for errors; or too many of them.
        """
        if self._raise:
            first = fault.remedy if not fault.remedy or fault.remedy.endswith("?") else f"{fault.remedy}."
            remedy = f"{first} {_SEE_ALL}".strip()
            raise InputError(fault.subject, received=fault.received, expected=fault.expected, remedy=remedy) from fault
        if len(self._found) >= MAX_FAULTS:
            raise InputError(
                str(fault).rstrip("."),
                received=f"more than {MAX_FAULTS:,} such rows or pictures",
                remedy="Check that it is the right file",
            )
        self._found.append(str(fault))

    @property
    def found(self) -> tuple[str, ...]:
        """The messages collected so far, in the order of reading."""
        return tuple(self._found)


def check_channels(channels: int) -> None:
    """Refuse a number of colour channels that no model accepts.

    Raises:
        InputError: It is neither 1 (gray) nor 3 (red-green-blue).
    """
    if channels not in (1, 3):
        raise InputError("channels", received=channels, expected="1 (gray) or 3 (red-green-blue)")
