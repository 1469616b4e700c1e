"""Checks and error handling that all loaders share."""

from __future__ import annotations

from typing import Literal

from edge_agent.errors import InputError

OnUnreadable = Literal["error", "report"]
"""What to do about a broken row or picture: stop with the error, or skip it and list it."""


class Faults:
    """Raises the first fault in a row or picture, or collects them all, as the caller chose."""

    def __init__(self, on_unreadable: OnUnreadable) -> None:
        self._raise = on_unreadable == "error"
        self._found: list[str] = []

    def add(self, fault: InputError) -> None:
        """Record a fault.

        Raises:
            InputError: The fault itself, where the caller asked for errors.
        """
        if self._raise:
            raise fault
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
