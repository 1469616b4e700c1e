"""Logging in and out."""

from __future__ import annotations

import logging
import math
import time
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dashboard.access.access import Access
from dashboard.access.accounts import Account
from dashboard.access.passwords import Busy
from dashboard.web.forms import read_form
from dashboard.web.gate import AccountGate
from dashboard.web.looks import address_of, record, record_if_possible
from dashboard.web.site import Site, site_of
from dashboard.web.visitor import NOBODY, Visitor

_log = logging.getLogger(__name__)
_MAX_NAME = 64


async def login_page(request: Request) -> Response:
    """The form."""
    site = site_of(request)
    gate, access = _gate(site)
    present = await run_in_threadpool(gate.account_of, request)
    if present is not None or not await run_in_threadpool(access.accounts.any):
        return RedirectResponse("/", 303)
    return _form(request, request.query_params.get("next", ""))


async def log_in(request: Request) -> Response:
    """What the form brings."""
    site = site_of(request)
    gate, access = _gate(site)
    gate.expect_login(request)
    form = await read_form(request)
    name, address, back = form.get("name", "")[:_MAX_NAME], address_of(request), form.get("next", "")
    wait_s = access.throttle.begin(name, address, time.monotonic())
    if wait_s > 0:
        _log.warning("login throttled from %s", address)
        answer = _form(request, back, status=429, wait_min=math.ceil(wait_s / 60))
        answer.headers["Retry-After"] = str(math.ceil(wait_s))
        return answer
    try:
        account = await run_in_threadpool(access.accounts.authenticate, name, form.get("password", ""))
    except Busy:
        return _form(request, back, status=503, wait_min=1)
    visitor = Visitor(account.name if account else await run_in_threadpool(_known, access, name))
    if account is None:
        await run_in_threadpool(record, site, request, visitor, "login_failed")
        return _form(request, back, status=401, wrong=True)
    access.throttle.succeeded(name, address)
    answer = RedirectResponse(local_path(back), 303)
    await run_in_threadpool(_begin, site, gate, request, answer, account)
    return answer


async def log_out(request: Request, visitor: Visitor) -> Response:
    """End the session."""
    site = site_of(request)
    await read_form(request)
    gate, _ = _gate(site)
    answer = RedirectResponse("/login", 303)
    await run_in_threadpool(gate.end, request, answer)
    await run_in_threadpool(record_if_possible, site, request, visitor, "logout")
    return answer


def local_path(text: str) -> str:
    """A path on this page, whatever somebody wrote into an address."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return "/"
    local = not parts.scheme and not parts.netloc and text.startswith("/") and not text.startswith(("//", "/\\"))
    return text if local and text.isprintable() and "\\" not in text else "/"


def _begin(site: Site, gate: AccountGate, request: Request, answer: Response, account: Account) -> None:
    record(site, request, Visitor(account.name), "login")
    gate.begin(request, answer, account)


def _known(access: Access, name: str) -> str:
    """The name where there is such an account. Another may be a password that was typed into the wrong field."""
    plain = name.strip().lower()
    return plain if plain in {account.name for account in access.accounts.all()} else ""


def _gate(site: Site) -> tuple[AccountGate, Access]:
    if not isinstance(site.gate, AccountGate) or site.access is None:
        raise HTTPException(404)
    return site.gate, site.access


def _form(request: Request, back: str, *, status: int = 200, wrong: bool = False, wait_min: int = 0) -> Response:
    site = site_of(request)
    gate, _ = _gate(site)
    secret = gate.prepare_login(request)
    answer = site.page(
        request, NOBODY, "login.html", status=status, back=local_path(back), wrong=wrong, wait_min=wait_min
    )
    gate.remember_login(answer, secret)
    return answer
