"""Notes who looks at rooms. It stands before all pages, so that none can forget it."""

from __future__ import annotations

import logging
from typing import Final

from starlette.requests import Request

from dashboard.access.audit import Action
from dashboard.access.details import Detail
from dashboard.history.database import DatabaseError
from dashboard.web.periods import period_of
from dashboard.web.site import Site, site_of
from dashboard.web.visitor import Visitor
from edge_agent.client.events import Device

_log = logging.getLogger(__name__)
_SEVERAL: Final = {"/": "rooms", "/events": "rooms"}
"""Addresses that show several rooms."""


def note_look(request: Request, visitor: Visitor) -> None:
    """Note a look at what the address shows, or an export of it. Pages that show nobody are not noted.

    Raises:
        DatabaseError: An export cannot be noted, and so must not be made.
    """
    site = site_of(request)
    if site.access is None:
        return
    path = request.scope["path"]
    device, part = _room_of(request)
    if part == "export":
        record(site, request, visitor, "export", device, _export(site, request, path.rpartition("/")[2]))
    elif device is not None and not visitor.rights.sees(device):
        return  # it is refused, and nobody has looked
    elif device is not None:
        action: Action = "report" if part.startswith("report") else "look"
        site.access.audit.looked(visitor.name, address_of(request), site.clock(), device=device, action=action)
    elif path in _SEVERAL and request.query_params.get("view", "school") == "school":
        site.access.audit.looked(visitor.name, address_of(request), site.clock(), detail=Detail(_SEVERAL[path]))


def record(
    site: Site,
    request: Request,
    visitor: Visitor,
    action: Action,
    device: Device | None = None,
    detail: Detail | str = "",
) -> None:
    """Note what a visitor does, before it is done.

    Raises:
        DatabaseError: It cannot be noted.
    """
    if site.access is not None:
        site.access.audit.record(action, visitor.name, address_of(request), site.clock(), device=device, detail=detail)


def record_if_possible(site: Site, request: Request, visitor: Visitor, action: Action) -> None:
    """Note what somebody does all the same. Where it cannot be written, the process's log alone has it."""
    try:
        record(site, request, visitor, action)
    except DatabaseError as error:
        _log.error("not noted: %s", error)


def address_of(request: Request) -> str:
    """Where a request comes from."""
    return request.client.host if request.client is not None else ""


def _export(site: Site, request: Request, form: str) -> Detail:
    period = period_of(request.query_params, site.clock(), site.zone)
    if period is None:
        return Detail("export", {"form": form[:20]})
    return Detail("export-span", {"form": form[:20], "start": period.start, "end": period.end})


def _room_of(request: Request) -> tuple[Device | None, str]:
    """The room that an address names, and which part of it."""
    names = request.path_params
    if "site" in names and "device" in names:
        parts = request.scope["path"].split("/")
        return Device(names["site"], names["device"]), parts[4] if len(parts) > 4 else ""
    query = request.query_params
    if request.scope["path"] == "/events" and query.get("view") == "room":
        return Device(query.get("site", ""), query.get("device", "")), ""
    return None, ""
