"""The gate of a page with accounts: cookies of sessions, and the way to the login page."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from dashboard.access.access import Access
from dashboard.access.accounts import Account
from dashboard.web.ids import address_of_page
from dashboard.web.visitor import OpenGate, Visitor

_log = logging.getLogger(__name__)
_TOKEN_BYTES: Final = 32
_NEVER: Final = secrets.token_hex(_TOKEN_BYTES)
"""What no form was made with."""
LOGIN_PATH: Final = "/login"


class AccountGate:
    """Lets in who is logged in. As long as there is no account, everybody at this machine is let in.

    Args:
        access: Accounts and sessions.
        encrypted: Whether browsers reach the page by TLS. Then its cookies travel by nothing else.
        loopback: Whether only this machine reaches the page. Where others do, nobody is let in without an account.
        clock: Unix seconds now.
    """

    def __init__(
        self, access: Access, *, encrypted: bool, loopback: bool, clock: Callable[[], float] = time.time
    ) -> None:
        self._access, self._encrypted, self._loopback, self._clock = access, encrypted, loopback, clock
        self._open = OpenGate()
        # With this prefix a browser takes the cookie from this very host alone, and by TLS alone.
        prefix = "__Host-" if encrypted else ""
        self._session_cookie, self._login_cookie = f"{prefix}session", f"{prefix}login"

    def visitor_of(self, request: Request, *, used: bool = True) -> Visitor | Response:
        """Who is logged in, or the way to the login page."""
        account = self.account_of(request, used=used)
        if account is not None:
            return Visitor(account.name, account.rights)
        if self._loopback and not self._access.accounts.any():
            return self._open.visitor_of(request, used=used)
        if request.scope["path"] == "/events":
            return PlainTextResponse("", 401)
        target = address_of_page(request) + (f"?{request.url.query}" if request.url.query else "")
        back = f"?next={quote(target, safe='/')}" if request.method in ("GET", "HEAD") and target != "/" else ""
        return RedirectResponse(f"{LOGIN_PATH}{back}", 303)

    def account_of(self, request: Request, *, used: bool = True) -> Account | None:
        """The account of the browser's session; ``None`` where there is none."""
        token = request.cookies.get(self._session_cookie, "")
        return self._access.sessions.account_of(token, self._clock(), used=used)

    def form_secret(self, request: Request) -> str:
        """The session's own secret; before the login a cookie that the login page has set."""
        planned = getattr(request.state, "form_secret", "")
        session = request.cookies.get(self._session_cookie, "")
        secret = planned or session or request.cookies.get(self._login_cookie, "")
        return str(secret) or (self._open.form_secret(request) if self._loopback else "")

    def prepare_login(self, request: Request) -> str:
        """What the login form is made with; to be given to :meth:`remember_login`."""
        secret = request.cookies.get(self._login_cookie, "") or secrets.token_urlsafe(_TOKEN_BYTES)
        request.state.form_secret = secret
        return secret

    def expect_login(self, request: Request) -> None:
        """Judge the form of this request as a login's, whatever else the browser shows."""
        request.state.form_secret = request.cookies.get(self._login_cookie, "") or _NEVER

    def remember_login(self, answer: Response, secret: str) -> None:
        """Give the browser what its login form was made with."""
        self._set(answer, self._login_cookie, secret)

    def begin(self, request: Request, answer: Response, account: Account) -> None:
        """Begin a session. The browser gets a new cookie, and what it had before is worth nothing."""
        old = request.cookies.get(self._session_cookie, "")
        token = self._access.sessions.begin(account, self._clock(), replaces=old)
        self._set(answer, self._session_cookie, token)
        self._delete(answer, self._login_cookie)

    def end(self, request: Request, answer: Response) -> None:
        """End the browser's session."""
        self._access.sessions.end(request.cookies.get(self._session_cookie, ""))
        self._delete(answer, self._session_cookie)

    def _set(self, answer: Response, name: str, value: str) -> None:
        # A link in a mail leads to the page without a second login; forms are proven by their token.
        answer.set_cookie(name, value, path="/", secure=self._encrypted, httponly=True, samesite="lax")

    def _delete(self, answer: Response, name: str) -> None:
        answer.delete_cookie(name, path="/", secure=self._encrypted, httponly=True, samesite="lax")
