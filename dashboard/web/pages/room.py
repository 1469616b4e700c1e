"""One room: what is there now, and its lesson as a chart."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from dashboard.web.events import Audience, Update
from dashboard.web.pages.lesson import chart_of, chosen_period, has_parquet, shown_lessons
from dashboard.web.pages.rooms import room_of
from dashboard.web.site import Site, site_of
from dashboard.web.visitor import Visitor
from edge_agent.client import Device

_PARTS = (("broker", "broker"), ("room-now", "room_now"), ("room-tracks", "room_tracks"))
"""Ids of the parts that change while the page is open, and their templates."""


async def room_page(request: Request, visitor: Visitor) -> Response:
    """The whole page."""
    site, room = site_of(request), await run_in_threadpool(room_of, request, visitor)
    period = await run_in_threadpool(chosen_period, site, request, room)
    lessons = await run_in_threadpool(shown_lessons, site, room)
    chart = None
    if site.history is not None:
        language = site.language_of(request)
        chart = await run_in_threadpool(chart_of, site, room, period, language)
    return site.page(
        request,
        visitor,
        "room.html",
        room=room,
        school=site.school,
        store_trouble=site.store_trouble,
        live=room.device in site.school.rooms,
        period=period,
        lessons=lessons,
        chart=chart,
        zone=site.zone,
        parquet=has_parquet(),
        narrow=False,
    )


def room_update(site: Site, audience: Audience, changed: set[Device] | None) -> Update:
    """What is there now, where it has changed."""
    device = audience.device
    room = site.school.rooms.get(device) if device is not None else None
    if room is None or (changed and device not in changed):
        return Update()
    return Update(
        {
            name: site.templates.render(
                audience.language, f"parts/{part}.html", room=room, school=site.school, store_trouble=site.store_trouble
            )
            for name, part in _PARTS
        }
    )
