"""Who looks at a page, and who lets them in. Without accounts everybody at this machine may do everything."""

from __future__ import annotations

import secrets
from typing import Protocol

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from dashboard.access.forms import is_loopback_name
from dashboard.access.roles import ALL_ROLES, Rights, Role, Visitor

__all__ = ["ALL_ROLES", "NOBODY", "Gate", "OpenGate", "Rights", "Role", "Visitor", "visitor_of"]

NOBODY = Visitor("", Rights(frozenset(), frozenset()))
"""Who has not been let in."""


class Gate(Protocol):
    """Lets visitors in. It may wait for the database, so it is asked on a thread of its own."""

    def visitor_of(self, request: Request, *, used: bool = True) -> Visitor | Response:
        """Who asks, or what they are answered instead, for example the way to the login page.

        Args:
            request: What they ask.
            used: Whether somebody does something, and not only leaves a page open.
        """
        ...

    def form_secret(self, request: Request) -> str:
        """What only this browser and the page know; forms are made and judged with it. It waits for nothing."""
        ...


class OpenGate:
    """Everybody has every role: for a page that only this machine reaches."""

    def __init__(self) -> None:
        self._secret = secrets.token_hex(32)

    def visitor_of(self, request: Request, *, used: bool = True) -> Visitor | Response:  # noqa: ARG002 - as all gates
        """Anybody, unless the browser took another name for this machine's: a site's scripts could then read along."""
        if not is_loopback_name(request.headers.get("host", "")):
            return PlainTextResponse("This page is only for this machine: open it as http://127.0.0.1\n", 421)
        return Visitor()

    def form_secret(self, request: Request) -> str:  # noqa: ARG002 - as all gates
        """The same for all, since no other site can read it."""
        return self._secret


def visitor_of(request: Request) -> Visitor:
    """Whom the gate has let in for this request; :data:`NOBODY` before that."""
    visitor = getattr(request.state, "visitor", NOBODY)
    return visitor if isinstance(visitor, Visitor) else NOBODY
