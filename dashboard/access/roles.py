"""Roles, and what they allow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

from edge_agent.client.events import Device
from edge_agent.errors import InputError

Role = Literal["teacher", "operator", "data_officer"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)
ALL_ROLES: Final[frozenset[Role]] = frozenset(ROLES)
_ALL_ROOMS: Final[frozenset[Role]] = frozenset(("operator", "data_officer"))
"""Who looks after devices, or answers for the data, does so in every room. A teacher sees only rooms of their own."""


@dataclass(frozen=True, slots=True)
class Rights:
    """What somebody may do. Two visitors with equal rights are sent the same bytes.

    Attributes:
        roles: Their roles.
        rooms: The rooms they may see; ``None`` for all.
    """

    roles: frozenset[Role] = ALL_ROLES
    rooms: frozenset[Device] | None = None

    def sees(self, device: Device) -> bool:
        """Whether they may see a room."""
        return self.rooms is None or device in self.rooms


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks. The name is empty where there are no accounts."""

    name: str = ""
    rights: Rights = Rights()


def rights_of(roles: frozenset[Role], rooms: frozenset[Device]) -> Rights:
    """The rights of an account.

    Args:
        roles: Its roles.
        rooms: The rooms that it has been given.
    """
    return Rights(roles, None if roles & _ALL_ROOMS else rooms)


def parse_role(text: str) -> Role:
    """A role as it is written on a command line.

    Raises:
        InputError: There is no such role.
    """
    wanted = text.strip().lower().replace("-", "_")
    for role in ROLES:
        if role == wanted:
            return role
    raise InputError("--role", received=repr(text), expected=f"one of {', '.join(ROLES)}")


def parse_room(text: str) -> Device:
    """A room as it is written on a command line: ``site/id`` of its device.

    Raises:
        InputError: It is written otherwise.
    """
    site, slash, device = text.strip().partition("/")
    if not slash or not site or not device or "/" in device or len(site) > 64 or len(device) > 64:
        raise InputError("--room", received=repr(text), expected="SITE/DEVICE, for example north/pi-3a")
    return Device(site, device)
