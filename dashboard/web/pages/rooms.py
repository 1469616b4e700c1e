"""Which room an address names."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request

from dashboard.live.school import Room
from dashboard.web.site import site_of
from dashboard.web.visitor import Visitor
from edge_agent.client import Device


def room_of(request: Request, visitor: Visitor) -> Room:
    """The room; one that was only heard of before is known by its name alone.

    Raises:
        HTTPException: There is none of that name, or the visitor may not see it.
    """
    site = site_of(request)
    device = Device(request.path_params["site"], request.path_params["device"])
    if not visitor.rights.sees(device):
        raise HTTPException(404)
    room = site.school.rooms.get(device)
    if room is None and site.history is not None and device in site.history.rooms():
        room = Room(device)
    if room is None:
        raise HTTPException(404)
    return room
