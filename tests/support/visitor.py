"""A browser without a screen: keeps cookies, follows what it is told, and sends forms as they stand in a page."""

from __future__ import annotations

import contextlib
import http.client
import re
from dataclasses import dataclass, field
from html import unescape
from http.cookies import SimpleCookie
from urllib.parse import urlencode


@dataclass(frozen=True)
class Answer:
    """An answer of the page."""

    status: int
    headers: http.client.HTTPMessage
    text: str

    @property
    def location(self) -> str:
        """Where it sends the browser."""
        return self.headers.get("Location", "")

    @property
    def form_token(self) -> str:
        """The token of the first form in it."""
        found = re.search(r'name="form_token" value="([^"]*)"', self.text)
        return unescape(found[1]) if found else ""


@dataclass
class VisitorBrowser:
    """One browser.

    Attributes:
        port: Where the page listens on loopback.
        cookies: What it has been given.
    """

    port: int
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **headers: str) -> Answer:
        """Open an address, without following where it leads."""
        return self.request("GET", path, None, headers)

    def post(
        self, path: str, fields: dict[str, str] | None = None, *, page: str = "/account", **headers: str
    ) -> Answer:
        """Send a form with the token of the page that it stands on."""
        token = self.get(page).form_token
        return self.send(path, {"form_token": token, **(fields or {})}, **headers)

    def send(self, path: str, fields: dict[str, str], **headers: str) -> Answer:
        """Send these fields and nothing else."""
        sent = {"Content-Type": "application/x-www-form-urlencoded", **headers}
        return self.request("POST", path, urlencode(fields), sent)

    def log_in(self, name: str, password: str, *, back: str = "") -> Answer:
        """Fill in the login form."""
        return self.post("/login", {"name": name, "password": password, "next": back}, page="/login")

    def request(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> Answer:
        """Send a request."""
        sent = {name.replace("_", "-"): text for name, text in headers.items()}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            text = answer.read(200_000 if "event-stream" not in answer.headers.get("Content-Type", "") else 30)
        for line in answer.headers.get_all("Set-Cookie") or ():
            for name, morsel in SimpleCookie(line).items():
                if morsel["max-age"] == "0" or not morsel.value:
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
        return Answer(answer.status, answer.headers, text.decode("utf-8", "replace"))
