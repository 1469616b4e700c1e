"""Who looks at a page, and what they may see and do. Without accounts everybody at this machine may do everything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from starlette.requests import Request
from starlette.responses import Response

from edge_agent.client import Device

Role = Literal["teacher", "operator", "data_officer"]
ALL_ROLES: frozenset[Role] = frozenset(("teacher", "operator", "data_officer"))


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


class Gate(Protocol):
    """Lets visitors in."""

    def visitor_of(self, request: Request) -> Visitor | Response:
        """Who asks, or what they are answered instead, for example the way to the login page."""
        ...


class OpenGate:
    """Everybody has every role: for a page that only this machine reaches."""

    def visitor_of(self, request: Request) -> Visitor | Response:  # noqa: ARG002 - the gate with accounts needs it
        """Anybody."""
        return Visitor()
