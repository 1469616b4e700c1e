"""For the data officer: what is stored, who looked, what can be erased, what devices declare, and their signs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

from msgspec import UnsetType
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from dashboard.access.access import Access
from dashboard.erasing import erase_and_note
from dashboard.history.series import joined_rows
from dashboard.history.store import History
from dashboard.live.school import Room
from dashboard.web.formats import zone_of
from dashboard.web.forms import Form, read_form
from dashboard.web.ids import element_id
from dashboard.web.looks import address_of, record
from dashboard.web.pages.school import sorted_rooms
from dashboard.web.site import Site, site_of
from dashboard.web.visitor import Visitor
from edge_agent.client import Device
from edge_agent.errors import InputError
from edge_agent.protocol.messages import DeclarationMark

_NOTICE_KINDS: Final = {".html": "text/html", ".pdf": "application/pdf", ".md": "text/markdown"}
_MAX_NOTICES: Final = 500
_EVERY_ROOM: Final = "*"
_LAST: Final = 32_503_680_000.0
"""The year 3000."""


async def data_page(request: Request, visitor: Visitor) -> Response:
    """The whole page."""
    return await _page(request, visitor)


async def erase(request: Request, visitor: Visitor) -> Response:
    """Erase what is stored of a room and a time: first the question, then the deed."""
    form = await read_form(request)
    site, history, _ = _parts(request)
    devices = {element_id("room", device): device for device in await run_in_threadpool(history.rooms)}
    chosen = form.get("room", "")
    if chosen != _EVERY_ROOM and chosen not in devices:
        return await _page(request, visitor, problem="room", status=422)
    device = devices.get(chosen)
    span = _span_of(form, site)
    if span is None:
        return await _page(request, visitor, problem="time", status=422)
    start, end = span
    where = _named(site, device)
    if form.get("confirmed") != "yes":
        fields = {name: form.get(name, "") for name in ("room", "start", "end")}
        counts = await run_in_threadpool(history.count, device, start, end)
        return site.page(
            request, visitor, "erase.html", where=where, start=start, end=end, fields=fields, counts=counts
        )
    note = partial(record, site, request, visitor, "erase")
    try:
        counts = await run_in_threadpool(erase_and_note, history, device, start, end, note)
    except InputError:
        return await _page(request, visitor, problem="time", status=422)
    return await _page(request, visitor, erased=sum(counts.values()), erased_where=where)


async def notice_file(request: Request, visitor: Visitor) -> Response:  # noqa: ARG001 - as all pages
    """One of the signs and assessments, to keep or print."""
    site = site_of(request)
    found = await run_in_threadpool(_notices, site.settings.access.notices)
    path = found.get(request.query_params.get("file", ""))
    if path is None:
        raise HTTPException(404)
    kind = _NOTICE_KINDS[path.suffix.lower()]
    return FileResponse(path, media_type=kind, filename=path.name, content_disposition_type="attachment")


async def _page(request: Request, visitor: Visitor, *, status: int = 200, **values: object) -> Response:
    site, history, access = _parts(request)
    look = partial(access.audit.looked, visitor.name, address_of(request), site.clock(), action="data")
    await run_in_threadpool(look)
    stored = await run_in_threadpool(history.stored)
    by_room = [(_named(site, device), joined_rows(kinds.values())) for device, kinds in stored.devices.items()]
    entries = await run_in_threadpool(partial(access.audit.entries, visitor, limit=20))
    notices = await run_in_threadpool(_notices, site.settings.access.notices)
    known: dict[str, object] = {"problem": "", "erased": None, "erased_where": ""}
    return site.page(
        request,
        visitor,
        "data.html",
        status=status,
        stored=stored,
        school=site.school,
        store_trouble=site.store_trouble,
        choices=[(element_id("room", device), _named(site, device)) for device in stored.devices],
        by_room=by_room,
        entries=entries,
        room_names={device: room.name for device, room in site.school.rooms.items()},
        audit_days=access.audit.days,
        retention=site.settings.retention,
        declarations=[(room, _declaration_of(room)) for room in sorted_rooms(site, visitor.rights)],
        notices=sorted(notices),
        notices_folder=site.settings.access.notices,
        **(known | values),
    )


def _parts(request: Request) -> tuple[Site, History, Access]:
    site = site_of(request)
    if site.history is None or site.access is None:
        raise HTTPException(404)
    return site, site.history, site.access


def _span_of(form: Form, site: Site) -> tuple[float, float] | None:
    """The time that a form names, in the school's time zone; empty fields stand for always. ``None``: no such time."""
    zone, moments = zone_of(site.settings.page.time_zone), [-math.inf, math.inf]
    for place, name in enumerate(("start", "end")):
        if text := form.get(name, "").strip():
            try:
                moment = datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()
                moments[place] = min(max(moment, 0.0), _LAST)
            except (ValueError, OverflowError, OSError):
                return None
    return (moments[0], moments[1]) if moments[0] <= moments[1] else None


def _named(site: Site, device: Device | None) -> str:
    if device is None:
        return ""
    room = site.school.rooms.get(device)
    name = f"{device.site}/{device.id}"
    return f"{room.name} ({name})" if room is not None and room.name != device.id else name


def _declaration_of(room: Room) -> DeclarationMark | None:
    mark = room.birth.declaration if room.birth is not None else None
    return None if mark is None or isinstance(mark, UnsetType) else mark


def _notices(folder: str) -> Mapping[str, Path]:
    """Signs and assessments in a folder and in its folders, by what they are called on the page."""
    if not folder:
        return {}
    root, found = Path(folder), {}
    for pattern in ("*", "*/*"):
        try:
            paths = sorted(root.glob(pattern))
        except OSError:
            continue
        for path in paths[:_MAX_NOTICES]:
            if path.suffix.lower() in _NOTICE_KINDS and path.is_file() and not path.is_symlink():
                found[str(path.relative_to(root))] = path
    return found
