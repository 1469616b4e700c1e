"""The pages as one ASGI application."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from functools import partial
from importlib.resources import files
from typing import Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from dashboard.history.database import DatabaseError
from dashboard.settings import LANGUAGES
from dashboard.web.events import EVENT_STREAM, Audience, Hub, Update
from dashboard.web.failures import UnexpectedErrors, database_failed, refused
from dashboard.web.headers import SecurityHeaders
from dashboard.web.language import COOKIE
from dashboard.web.looks import note_look
from dashboard.web.pages.accounts import account_page, accounts_page, change_password, end_sessions
from dashboard.web.pages.audit import log_page
from dashboard.web.pages.data_officer import data_page, erase, notice_file
from dashboard.web.pages.devices import devices_page, devices_update
from dashboard.web.pages.lesson import chart_part, export_file, report_page
from dashboard.web.pages.login import local_path, log_in, log_out, login_page
from dashboard.web.pages.operate import mute, mute_all, operate_page, remove, snapshot, unmute
from dashboard.web.pages.room import room_page, room_update
from dashboard.web.pages.school import school_page, school_update
from dashboard.web.site import THEME_COOKIE, THEMES, Site, site_of
from dashboard.web.visitor import Role, Visitor
from edge_agent.client import Device

_log = logging.getLogger(__name__)

Handler = Callable[[Request, Visitor], Awaitable[Response]]
LiveView = Callable[[Site, Audience, "set[Device] | None"], Update]

LIVE_VIEWS: Final[dict[str, LiveView]] = {
    "school": school_update,
    "room": room_update,
    "devices": devices_update,
}
"""How the parts of a page are made that change while it is open, by the page's name."""

_UPKEEP_S: Final = 3600.0
_RECHECK_S: Final = 5.0
"""How often it is looked at whether the visitor of an open page may still see it."""
_YEAR_S = 365 * 24 * 3600


def for_visitors(handler: Handler, *, role: Role | None = None) -> Callable[[Request], Awaitable[Response]]:
    """A page that only those see whom the gate lets in, with a role where one is named.

    Where the address names a room as ``{site:name}/{device:name}``, they must be allowed to see it. Else it does not
    exist.
    """

    async def answer(request: Request) -> Response:
        visitor = await run_in_threadpool(site_of(request).gate.visitor_of, request)
        if isinstance(visitor, Response):
            return visitor
        request.state.visitor = visitor
        names = request.path_params
        if "site" in names and "device" in names and not visitor.rights.sees(Device(names["site"], names["device"])):
            raise HTTPException(404)
        if role is not None and role not in visitor.rights.roles:
            raise HTTPException(403)
        if request.method == "GET":
            await run_in_threadpool(note_look, request, visitor)
        return await handler(request, visitor)

    return answer


ROUTES: Final[tuple[BaseRoute, ...]] = (
    Route("/", for_visitors(school_page), name="school"),
    Route("/devices", for_visitors(devices_page), name="devices"),
    Route("/room/{site:name}/{device:name}", for_visitors(room_page), name="room"),
    Route("/login", login_page, name="login"),
    Route("/login", log_in, methods=["POST"]),
    Route("/logout", for_visitors(log_out), methods=["POST"]),
    Route("/account", for_visitors(account_page), name="account"),
    Route("/account/password", for_visitors(change_password), methods=["POST"]),
    Route("/account/sessions", for_visitors(end_sessions), methods=["POST"]),
    Route("/accounts", for_visitors(accounts_page, role="data_officer"), name="accounts"),
    Route("/log", for_visitors(log_page), name="log"),
    Route("/data", for_visitors(data_page, role="data_officer"), name="data"),
    Route("/data/notice", for_visitors(notice_file, role="data_officer"), name="notice"),
    Route("/data/erase", for_visitors(erase, role="data_officer"), methods=["POST"]),
    Route("/operate", for_visitors(operate_page, role="operator"), name="operate"),
    Route("/operate/mute-all", for_visitors(mute_all, role="operator"), methods=["POST"]),
    Route("/room/{site:name}/{device:name}/mute", for_visitors(mute, role="operator"), methods=["POST"]),
    Route("/room/{site:name}/{device:name}/unmute", for_visitors(unmute, role="operator"), methods=["POST"]),
    Route("/room/{site:name}/{device:name}/snapshot", for_visitors(snapshot, role="operator"), methods=["POST"]),
    Route("/room/{site:name}/{device:name}/remove", for_visitors(remove, role="operator"), methods=["POST"]),
    Route("/room/{site:name}/{device:name}/chart", for_visitors(chart_part), name="chart"),
    Route("/room/{site:name}/{device:name}/report", for_visitors(report_page), name="report"),
    Route("/room/{site:name}/{device:name}/export/{kind}", for_visitors(export_file), name="export"),
)
"""The pages."""


def make_app(site: Site, hub: Hub | None = None) -> tuple[Starlette, Hub]:
    """The application, and the hub that wants to know what changes.

    Args:
        site: What the pages work with.
        hub: Sends changes to open pages; one is made where it is left out.
    """
    hub = hub or Hub(partial(_render, site), site.clock)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        hub.open()
        upkeep = asyncio.create_task(_keep_up(site))
        yield
        upkeep.cancel()
        hub.close()

    app = Starlette(
        routes=[
            *ROUTES,
            Route("/events", for_visitors(partial(_events, hub)), name="events"),
            Route("/preferences", _preferences, name="preferences"),
            Mount("/static", _Static(packages=[("dashboard.web", "static")]), name="static"),
        ],
        middleware=[
            Middleware(SecurityHeaders),
            Middleware(UnexpectedErrors),
            Middleware(GZipMiddleware, minimum_size=500),
        ],
        exception_handlers={HTTPException: refused, DatabaseError: database_failed},
        lifespan=lifespan,
    )
    app.state.site = site
    return app, hub


async def _keep_up(site: Site) -> None:
    """Forget entries of the log that are older than they are kept, now and once an hour."""
    while site.access is not None:
        try:
            await run_in_threadpool(site.access.audit.forget_old, site.clock())
        except DatabaseError as error:
            _log.error("old entries of the log were not deleted: %s", error)
        await asyncio.sleep(_UPKEEP_S)


def _render(site: Site, audience: Audience, changed: set[Device] | None) -> Update:
    return LIVE_VIEWS[audience.view](site, audience, changed)


async def _events(hub: Hub, request: Request, visitor: Visitor) -> Response:
    view, site_name, device_id = (request.query_params.get(name, "") for name in ("view", "site", "device"))
    if view not in LIVE_VIEWS:
        raise HTTPException(404)
    device = Device(site_name, device_id) if view == "room" else None  # any name may be empty
    site = site_of(request)
    if device is not None and not (visitor.rights.sees(device) and device in site.school.rooms):
        raise HTTPException(404)
    audience = Audience(view, device, site.language_of(request), visitor.rights)
    headers = {"X-Accel-Buffering": "no"}
    messages = _while_allowed(request, visitor, hub.subscribe(audience))
    return StreamingResponse(messages, media_type=EVENT_STREAM, headers=headers)


async def _while_allowed(
    request: Request, visitor: Visitor, messages: AsyncGenerator[bytes, None]
) -> AsyncIterator[bytes]:
    """The messages until the visitor's session ends or their rights change. An open page does not count as use."""
    gate, checked_at = site_of(request).gate, time.monotonic()
    try:
        async for message in messages:
            yield message
            if time.monotonic() - checked_at >= _RECHECK_S:
                checked_at = time.monotonic()
                if await run_in_threadpool(gate.visitor_of, request, used=False) != visitor:
                    return
    finally:
        await messages.aclose()


async def _preferences(request: Request) -> Response:
    """Remember language and theme in the browser, and go back. It changes nothing here, so a link may do it."""
    answer = RedirectResponse(local_path(request.query_params.get("back", "/")), 303)
    for name, known in ((COOKIE, LANGUAGES), (THEME_COOKIE, THEMES)):
        value = request.query_params.get(name, "")
        if value in known:
            answer.set_cookie(name, value, max_age=_YEAR_S, httponly=True, samesite="lax")
    return answer


class _Static(StaticFiles):
    """Files of the page's own. Their addresses carry the version, so that browsers keep them for a day."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """One file."""
        answer = await super().get_response(path, scope)
        answer.headers.setdefault("Cache-Control", "max-age=86400")
        return answer


STATIC_FOLDER: Final = files("dashboard.web") / "static"
