"""What is answered where a request does not work: a page in the visitor's language, with its status."""

from __future__ import annotations

import contextlib
import logging

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard.history.database import DatabaseError
from dashboard.web.site import site_of
from dashboard.web.visitor import NOBODY, Visitor, visitor_of

_log = logging.getLogger(__name__)


async def refused(request: Request, error: Exception) -> Response:
    """A page that is not there, or that the visitor may not see."""
    status, reason = (error.status_code, error.detail) if isinstance(error, HTTPException) else (500, "")
    if visitor_of(request) is NOBODY:  # no page asked who it is, as the address is none
        with contextlib.suppress(DatabaseError):
            visitor = await run_in_threadpool(site_of(request).gate.visitor_of, request, used=False)
            if isinstance(visitor, Visitor):
                request.state.visitor = visitor
    return _page(request, status, reason)


async def database_failed(request: Request, error: Exception) -> Response:
    """What was asked for needs the database. What was stored is still there."""
    _log.error("%s: %s", request.scope["path"], error)
    return _page(request, 503, "database")


class UnexpectedErrors:
    """Logs an error that nothing else has answered, and answers with a page. Visitors learn nothing about it.

    It stands within the middleware that adds the security headers, so that this answer has them, too.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def send_and_remember(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, send_and_remember)
        except Exception:
            if begun:  # the browser sees that the answer is cut; the server logs why
                raise
            _log.exception("%s", scope["path"])
            await _unexpected(Request(scope))(scope, receive, send)


def _unexpected(request: Request) -> Response:
    try:
        return _page(request, 500, "")
    except Exception:  # noqa: BLE001 - the fault may be in what every page needs
        _log.exception("the page for errors")
        return PlainTextResponse("500\n", 500)


def _page(request: Request, status: int, reason: str) -> Response:
    if request.scope["path"] == "/events":
        return PlainTextResponse("", status)
    return site_of(request).page(request, visitor_of(request), "error.html", status=status, code=status, reason=reason)
