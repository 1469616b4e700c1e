"""Answers ``GET /metrics``, one request at a time, on the loopback address unless the settings name another."""

from __future__ import annotations

import errno
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING

from edge_agent.addresses.masking import shown_host
from edge_agent.config import MetricsSettings
from edge_agent.errors import ConfigError
from edge_agent.health.metrics import CONTENT_TYPE

if TYPE_CHECKING:
    from http.server import HTTPServer

log = logging.getLogger(__name__)

_REQUEST_TIMEOUT_S = 5.0
_SERVER = "edge-agent"


@contextmanager
def serving_metrics(settings: MetricsSettings, page: Callable[[], str]) -> Iterator[int]:
    """Serve while the block runs; port 0 serves nothing. Yields the port, 0 where there is none.

    A port that cannot be used is logged; the agent then runs without metrics.

    Args:
        settings: Address and port.
        page: Gives the exposition; called on the server's thread.
    """
    if not settings.port:
        yield 0
        return
    try:
        server = _open(settings, page)
    except ConfigError as error:
        log.error("%s", error)
        yield 0
        return
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.2}, name="metrics", daemon=True)
    thread.start()
    log.info("metrics at http://%s:%d/metrics", settings.address, settings.port)
    try:
        yield settings.port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _open(settings: MetricsSettings, page: Callable[[], str]) -> HTTPServer:
    # Here, since most devices serve no metrics and need not hold it.
    from http.server import BaseHTTPRequestHandler, HTTPServer

    class Handler(BaseHTTPRequestHandler):
        server_version, sys_version = _SERVER, ""
        timeout = _REQUEST_TIMEOUT_S

        def do_GET(self) -> None:
            if self.path.partition("?")[0] != "/metrics":
                self.send_error(HTTPStatus.NOT_FOUND)
                return
            body = page().encode()
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", CONTENT_TYPE)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
            log.debug(format, *args)

    class Server(HTTPServer):
        address_family = socket.AF_INET6 if ":" in settings.address else socket.AF_INET

        def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002 - nor may it print
            log.debug("metrics: a request failed", exc_info=True)

    try:
        return Server((settings.address, settings.port), Handler)
    except (OSError, UnicodeError) as error:
        raise _cannot_serve(settings, error) from None


def _cannot_serve(settings: MetricsSettings, error: Exception) -> ConfigError:
    """Why the port cannot be used. The host itself is in the settings' check already."""
    number = getattr(error, "errno", None)
    words = getattr(error, "strerror", None) or "a name that cannot be looked up"
    remedy = "Set metrics.address to an address of this machine, such as 127.0.0.1"
    if number == errno.EADDRINUSE:
        remedy = (
            f"Set metrics.port to a free one; 'sudo ss -ltnp sport = :{settings.port}' names the program that uses it"
        )
    elif number in (errno.EACCES, errno.EPERM):
        remedy = "Set metrics.port to 1024 or more"
    place = f"{shown_host(settings.address)}:{settings.port}"
    return ConfigError(f"metrics cannot be served at {place}: {words}", remedy=remedy)


def check_metrics(settings: MetricsSettings) -> str:
    """Whether the agent can serve its metrics, tried for a moment.

    Raises:
        ConfigError: The port cannot be used, and no agent at work uses it.
    """
    place = f"http://{shown_host(settings.address)}:{settings.port}/metrics"
    try:
        _open(settings, str).server_close()
    except ConfigError:
        if _is_ours(settings):
            return f"{place} is served by the agent at work"
        raise
    return f"{place} can be served"


def _is_ours(settings: MetricsSettings) -> bool:
    """Whether an agent answers there."""
    connection = HTTPConnection(settings.address or "127.0.0.1", settings.port, timeout=2.0)
    try:
        connection.request("GET", "/metrics")
        return (connection.getresponse().getheader("Server") or "").strip() == _SERVER
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
