"""One room: what is there now, and its lesson as a chart."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from dashboard.live.school import Room
from dashboard.web.events import Audience, Update
from dashboard.web.site import Site, site_of
from dashboard.web.visitor import Visitor
from edge_agent.client import Device


async def room_page(request: Request, visitor: Visitor) -> Response:
    """The whole page."""
    site = site_of(request)
    room = room_of(request, visitor)
    return site.page(request, visitor, "room.html", room=room, school=site.school)


def room_update(site: Site, audience: Audience, changed: set[Device] | None) -> Update:
    """What is there now, where it has changed."""
    device = audience.device
    room = site.school.rooms.get(device) if device is not None else None
    if room is None or (changed and device not in changed):
        return Update()
    elements = {
        name: site.templates.render(audience.language, f"parts/{template}.html", room=room, school=site.school)
        for name, template in (("broker", "broker"), ("room-now", "room_now"), ("room-tracks", "room_tracks"))
    }
    return Update(elements)


def room_of(request: Request, visitor: Visitor) -> Room:
    """The room that an address names; not found where the visitor may not see it."""
    device = Device(request.path_params["site"], request.path_params["device"])
    room = site_of(request).school.rooms.get(device)
    if room is None or not visitor.rights.sees(device):
        raise HTTPException(404)
    return room
