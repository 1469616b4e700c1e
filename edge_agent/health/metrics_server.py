"""Answers ``GET /metrics``, one request at a time, on the loopback address unless the settings name another."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer

from edge_agent.config import MetricsSettings
from edge_agent.health.metrics import CONTENT_TYPE

log = logging.getLogger(__name__)

_REQUEST_TIMEOUT_S = 5.0


@contextmanager
def serving_metrics(settings: MetricsSettings, page: Callable[[], str]) -> Iterator[int]:
    """Serve while the block runs; port 0 serves nothing. Yields the port, 0 where there is none.

    A port that cannot be used is logged; the agent then runs without metrics.

    Args:
        settings: Address and port.
        page: Gives the exposition; called on the server's thread.
    """
    server = _open(settings, page) if settings.port else None
    if server is None:
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


def _open(settings: MetricsSettings, page: Callable[[], str]) -> HTTPServer | None:
    class Handler(BaseHTTPRequestHandler):
        server_version, sys_version = "edge-agent", ""
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
    except OSError as error:
        log.error(
            "metrics cannot be served at %s:%d: %s. Set metrics.port to a free one",
            settings.address,
            settings.port,
            error.strerror or error,
        )
        return None
