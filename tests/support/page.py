"""The page's web server on a free loopback port, on a thread of its own."""

from __future__ import annotations

import contextlib
import http.client
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn
from starlette.applications import Starlette

from dashboard.access.access import Access
from dashboard.history.store import History
from dashboard.live.school import School
from dashboard.settings import DashboardSettings, PageSettings
from dashboard.web.app import make_app
from dashboard.web.events import Hub
from dashboard.web.gate import AccountGate
from dashboard.web.site import Site
from dashboard.web.templating import make_templates
from tests.support.broker import free_port, wait_until


@dataclass(frozen=True)
class Page:
    """A page that can be opened.

    Attributes:
        site: What it works with.
        hub: Sends changes to open pages.
        port: Where it listens.
        app: The application.
    """

    site: Site
    hub: Hub
    port: int
    app: Starlette

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def get(self, path: str, **headers: str) -> tuple[http.client.HTTPResponse, str]:
        """The answer to a request, and its text."""
        sent = {name.replace("_", "-"): text for name, text in headers.items()}
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            connection.request("GET", path, headers=sent)
            answer = connection.getresponse()
            return answer, answer.read().decode()


@contextmanager
def running_page(
    school: School | None = None,
    settings: DashboardSettings | None = None,
    clock: Callable[[], float] = time.time,
    history: History | None = None,
) -> Iterator[Page]:
    """A started page with this state; with accounts where there is a history to keep them in."""
    settings = settings or DashboardSettings(page=PageSettings(time_zone="Europe/Zurich"))
    site = Site(settings, school or School(clock()), make_templates(settings.page, clock), clock=clock)
    if history is not None:
        access = Access(history.database, settings.access)
        site.access, site.history = access, history
        site.gate = AccountGate(access, encrypted=False, loopback=True, clock=clock)
    app, hub = make_app(site)
    port = free_port()
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, ws="none", timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        wait_until(lambda: server.started, what="the page listening")
        yield Page(site, hub, port, app)
    finally:
        server.should_exit = True
        thread.join(10)
