"""A small network camera over HTTP on a loopback port: MJPEG, snapshots, Basic and Digest logins, and its faults."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import re
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Literal

import cv2
import numpy as np

WIDTH, HEIGHT = 64, 48


def jpeg(level: int, *, thumbnail: bool = False) -> bytes:
    """A gray picture; with a thumbnail in its metadata, which has marks of its own."""
    noise = np.random.default_rng(level).integers(0, 8, (HEIGHT, WIDTH, 3))
    encoded, content = cv2.imencode(".jpg", (noise + level).astype(np.uint8))
    assert encoded
    whole = content.tobytes()
    if not thumbnail:
        return whole
    inner = jpeg(level)
    return whole[:2] + b"\xff\xe1" + (len(inner) + 2).to_bytes(2, "big") + inner + whole[2:]


class HttpCameraServer:
    """Serves ``/stream`` and ``/capture`` until it is closed.

    Args:
        login: How clients have to log in.
        username: Whom it knows.
        password: That user's.
        boundary: How parts of the stream are separated: ``short`` has neither lengths nor line ends.
        fault: What goes wrong. ``silent``: the stream stops without an end. ``ends``: it ends after eight pictures,
            ``single``: after each, ``empty``: before the first. ``trickle``: a byte now and then. ``damaged``: every
            second picture is cut off. ``padded``: snapshots have other bytes around them. ``png``: they are no JPEG.
            ``page``: a web page. ``busy``: every second answer is 503. ``redirect``: to another path. ``elsewhere``: to
            the port in ``other_port``.
        port: Where to listen; 0 for any free port.
    """

    def __init__(
        self,
        *,
        login: Literal["none", "basic", "digest", "digest-sha256"] = "none",
        username: str = "admin",
        password: str = "",
        boundary: Literal["full", "short"] = "full",
        fault: str = "",
        port: int = 0,
        other_port: int = 0,
    ) -> None:
        self.requests: list[str] = []
        self.logins: list[str] = []
        self.fault, self.other_port = fault, other_port
        self._login, self._username, self._password, self._boundary = login, username, password, boundary
        self._clients: list[socket.socket] = []
        self._closed = False
        self._count = 0
        camera = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 30

            def do_GET(self) -> None:
                camera.answer(self)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                pass

        self._server = Server(("127.0.0.1", port), Handler)
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def __enter__(self) -> HttpCameraServer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Cut every connection, as a camera does that loses its power."""
        self._closed = True
        self._server.shutdown()
        self._server.server_close()
        for client in self._clients:
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        self.requests.append(request.path)
        self._clients.append(request.connection)
        if self.fault == "redirect" and not request.path.startswith("/moved"):
            return self._head(request, 302, {"Location": f"/moved{request.path}", "Content-Length": "0"})
        if self.fault == "elsewhere":
            place = f"http://127.0.0.1:{self.other_port}{request.path}"
            return self._head(request, 302, {"Location": place, "Content-Length": "0"})
        if not self._is_let_in(request):
            return self._head(request, 401, {"WWW-Authenticate": self._challenge(), "Content-Length": "0"})
        if self.fault == "busy" and len(self.requests) % 2 == 0:
            return self._head(request, 503, {"Content-Length": "0"})
        if self.fault == "page":
            page = b"<html>log in</html>"
            self._head(request, 200, {"Content-Type": "text/html; charset=utf-8", "Content-Length": str(len(page))})
            request.wfile.write(page)
            return None
        return self._stream(request) if "/stream" in request.path else self._capture(request)

    def _head(self, request: BaseHTTPRequestHandler, status: int, headers: dict[str, str]) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.end_headers()

    def _picture(self) -> bytes:
        self._count += 1
        content = jpeg(40 + self._count * 5 % 160, thumbnail=self._count % 3 == 0)
        return content[: len(content) // 2] if self.fault == "damaged" and self._count % 2 else content

    def _capture(self, request: BaseHTTPRequestHandler) -> None:
        content = self._picture()
        if self.fault == "padded":
            content = b"\r\n" + content + bytes(1000)
        if self.fault == "png":
            content = cv2.imencode(".png", np.zeros((HEIGHT, WIDTH), np.uint8))[1].tobytes()
        self._head(request, 200, {"Content-Type": "image/jpeg", "Content-Length": str(len(content))})
        if self.fault == "silent" and self._count > 6:
            self._wait()
        request.wfile.write(content)

    def _stream(self, request: BaseHTTPRequestHandler) -> None:
        self._head(request, 200, {"Content-Type": "multipart/x-mixed-replace; boundary=frame", "Connection": "close"})
        request.close_connection = True
        sent = 0
        while not self._closed and self.fault != "empty":
            content = self._picture()
            head = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(content)
            request.wfile.write(b"frame" + content if self._boundary == "short" else head + content + b"\r\n")
            sent += 1
            if self.fault == "single" or (sent >= 8 and self.fault == "ends"):
                return
            if sent >= 8 and self.fault == "silent":
                self._wait()
            while self.fault == "trickle" and sent >= 8 and not self._closed:
                request.wfile.write(b"x")
                time.sleep(0.05)
            time.sleep(1 / 60)

    def _wait(self) -> None:
        while not self._closed:
            time.sleep(0.05)

    def _challenge(self) -> str:
        if self._login == "basic":
            return 'Basic realm="camera"'
        algorithm = ", algorithm=SHA-256" if self._login == "digest-sha256" else ""
        return f'Basic realm="old", Digest realm="camera", nonce="n7", qop="auth,auth-int", opaque="o"{algorithm}'

    def _is_let_in(self, request: BaseHTTPRequestHandler) -> bool:
        given = request.headers.get("Authorization") or ""
        if given:
            self.logins.append(given)
        if self._login == "none":
            return True
        if self._login == "basic":
            return given == "Basic " + base64.b64encode(f"{self._username}:{self._password}".encode()).decode()
        parts = dict(re.findall(r'(\w+)="?([^",]*)"?', given.removeprefix("Digest ")))
        if not given.startswith("Digest ") or parts.get("username") != self._username or parts["uri"] != request.path:
            return False

        def digest(text: str) -> str:
            name = "sha256" if self._login == "digest-sha256" else "md5"
            return hashlib.new(name, text.encode()).hexdigest()

        who, what = digest(f"{self._username}:camera:{self._password}"), digest(f"GET:{request.path}")
        return bool(parts["response"] == digest(f"{who}:n7:{parts['nc']}:{parts['cnonce']}:auth:{what}"))
