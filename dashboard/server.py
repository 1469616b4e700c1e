"""The page's process: client thread, state and web server, from start to end."""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Callable, Sequence

import uvicorn

from dashboard.following import Following, Taker
from dashboard.live.school import School
from dashboard.settings import DashboardSettings
from dashboard.web.app import make_app
from dashboard.web.site import Site
from dashboard.web.templating import make_templates
from edge_agent.addresses.masking import shown_host
from edge_agent.addresses.parsing import bracketed
from edge_agent.errors import ConfigError

_BACKLOG = 128


def serve(settings: DashboardSettings, ready: Callable[[str], None], *, takers: Sequence[Taker] = ()) -> None:
    """Show the page until SIGINT or SIGTERM.

    Args:
        settings: The page's settings.
        ready: Called with the page's address once it can be opened.
        takers: Get every notice of the client, on its thread.

    Raises:
        ConfigError: A file cannot be used, or the address is not free.
    """
    _check_who_reaches(settings)
    school = School(time.time())
    site = Site(settings, school, make_templates(settings.page, time.time))
    app, hub = make_app(site)
    following = Following(settings.broker, school, hub.changed, takers)
    listener = _listen(settings)
    port = listener.getsockname()[1]
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
        ws="none",
        proxy_headers=False,
    )
    server = _Server(config, lambda: ready(f"http://{bracketed(settings.page.host)}:{port}/"))
    following.start()
    try:
        server.run([listener])
    finally:
        following.stop()
        listener.close()


class _Server(uvicorn.Server):
    """Says when it can be reached."""

    def __init__(self, config: uvicorn.Config, on_started: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_started = on_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen."""
        await super().startup(sockets)
        if self.started:
            self._on_started()


def _check_who_reaches(settings: DashboardSettings) -> None:
    """Everybody who reaches a page without accounts sees and may do everything, so nobody else may reach it."""
    host = settings.page.host
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise ConfigError(
            f"$.page.host: {shown_host(host)}",
            expected="127.0.0.1, ::1 or localhost while the page has no accounts",
        )


def _listen(settings: DashboardSettings) -> socket.socket:
    page = settings.page
    family = socket.AF_INET6 if ":" in page.host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((page.host, page.port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"the page at {shown_host(page.host)}:{page.port}: {(error.strerror or str(error)).lower()}",
            remedy="Choose another port with --port or page.port",
        ) from None
    return listener
