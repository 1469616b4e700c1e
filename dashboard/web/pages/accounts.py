"""The visitor's own account, and the list of all for the data officer. Accounts are made and changed in a terminal."""

from __future__ import annotations

import time

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dashboard.access.access import Access
from dashboard.access.accounts import Account
from dashboard.access.details import Detail
from dashboard.access.passwords import MIN_LENGTH
from dashboard.web.forms import read_form
from dashboard.web.gate import AccountGate
from dashboard.web.looks import address_of, record
from dashboard.web.site import site_of
from dashboard.web.visitor import Visitor
from edge_agent.errors import InputError


async def account_page(request: Request, visitor: Visitor) -> Response:
    """Who one is here, and a form for another password."""
    _, _, account = await _own(request)
    return _page(request, visitor, account)


async def change_password(request: Request, visitor: Visitor) -> Response:
    """Set another password. All sessions end, and this browser gets a new one."""
    form = await read_form(request)
    access, gate, account = await _own(request)
    address = address_of(request)
    wait_s = access.throttle.begin(account.name, address, time.monotonic())
    if wait_s > 0:
        return _page(request, visitor, account, problem="wait", status=429)
    if await run_in_threadpool(access.accounts.authenticate, account.name, form.get("old", "")) is None:
        return _page(request, visitor, account, problem="wrong", status=401)
    access.throttle.succeeded(account.name, address)
    if form.get("new", "") != form.get("again", ""):
        return _page(request, visitor, account, problem="differ", status=422)
    site = site_of(request)
    answer = RedirectResponse("/account", 303)

    def change() -> None:
        record(site, request, visitor, "accounts", detail=Detail("own-password"))
        access.accounts.set_password(account.name, form.get("new", ""), site.clock())
        gate.begin(request, answer, account)

    try:
        await run_in_threadpool(change)
    except InputError:
        return _page(request, visitor, account, problem="weak", status=422)
    return answer


async def end_sessions(request: Request, visitor: Visitor) -> Response:
    """End the sessions of all browsers, this one included."""
    await read_form(request)
    access, _, account = await _own(request)
    await run_in_threadpool(record, site_of(request), request, visitor, "logout", None, Detail("everywhere"))
    await run_in_threadpool(access.sessions.end_all, account)
    return RedirectResponse("/login", 303)


async def accounts_page(request: Request, visitor: Visitor) -> Response:
    """Everybody who may log in, and what they may see."""
    site = site_of(request)
    if site.access is None:
        raise HTTPException(404)
    accounts = await run_in_threadpool(site.access.accounts.all)
    return site.page(request, visitor, "accounts.html", accounts=accounts)


async def _own(request: Request) -> tuple[Access, AccountGate, Account]:
    """The visitor's account; not found where the page has none."""
    site = site_of(request)
    if site.access is None or not isinstance(site.gate, AccountGate):
        raise HTTPException(404)
    account = await run_in_threadpool(site.gate.account_of, request)
    if account is None:
        raise HTTPException(404)
    return site.access, site.gate, account


def _page(request: Request, visitor: Visitor, account: Account, *, problem: str = "", status: int = 200) -> Response:
    return site_of(request).page(
        request, visitor, "account.html", status=status, account=account, problem=problem, min_length=MIN_LENGTH
    )
