"""The log: who looked and who acted."""

from __future__ import annotations

from functools import partial
from typing import Final
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from dashboard.access.audit import ACTIONS
from dashboard.web.site import site_of
from dashboard.web.visitor import Visitor

_PER_PAGE: Final = 100


async def log_page(request: Request, visitor: Visitor) -> Response:
    """What the visitor may read of the log, the newest first."""
    site = site_of(request)
    if site.access is None:
        raise HTTPException(404)
    asked = request.query_params
    action = asked.get("action", "") if asked.get("action", "") in ACTIONS else ""
    who, before = asked.get("who", "")[:64], asked.get("before", "")
    read = partial(
        site.access.audit.entries,
        visitor,
        before=int(before) if before.isdecimal() and len(before) < 18 else None,
        action=action,
        who=who,
        limit=_PER_PAGE + 1,
    )
    entries = await run_in_threadpool(read)
    older = ""
    if len(entries) > _PER_PAGE:
        entries = entries[:_PER_PAGE]
        older = urlencode({"before": entries[-1].number, "action": action, "who": who})
    return site.page(
        request,
        visitor,
        "log.html",
        school=site.school,
        store_trouble=site.store_trouble,
        entries=entries,
        older=older,
        action=action,
        who=who,
        days=site.access.audit.days,
        room_names={device: room.name for device, room in site.school.rooms.items()},
    )
