"""A small RTSP server on a loopback port, so that tests read a real stream: gray frames, uncompressed, over TCP.

It speaks what a network camera speaks: RTSP 1.0 (RFC 2326) with RTP interleaved in the connection, and uncompressed
video (RFC 4175), which needs no encoder.
"""

from __future__ import annotations

import base64
import contextlib
import socket
import struct
import threading
import time
from types import TracebackType

WIDTH, HEIGHT, FPS = 64, 48, 60


class RtspServer:
    """Serves one stream to every client until it is closed.

    Args:
        port: Where to listen; 0 for any free port.
        silent_after: Frames after which it sends nothing more but keeps the connection; ``None`` for never.
        status: What it answers to the question for the stream.
        login: User and password, as ``user:password``, that it asks for; empty for none.
    """

    def __init__(
        self, *, port: int = 0, silent_after: int | None = None, status: str = "200 OK", login: str = ""
    ) -> None:
        self.requests: list[str] = []
        self._silent_after, self._status = silent_after, status
        self._login = f"Basic {base64.b64encode(login.encode()).decode()}" if login else ""
        self._listener = socket.create_server(("127.0.0.1", port))
        self._clients: list[socket.socket] = []
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> RtspServer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Cut every connection, as a camera does that loses its power."""
        for connection in [self._listener, *self._clients]:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._clients.append(client)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError):
            lines = client.makefile("r", encoding="latin-1", newline="\r\n")
            while True:
                request = ""
                while (line := lines.readline()) != "\r\n":
                    if not line:  # the client has hung up
                        return
                    request += line
                self.requests.append(request)
                headers = dict(line.split(": ", 1) for line in request.splitlines()[1:] if ": " in line)
                method, url, _ = request.splitlines()[0].split(" ")
                self._answer(client, method, url, headers)
                if method == "PLAY":
                    threading.Thread(target=self._stream, args=(client,), daemon=True).start()

    def _answer(self, client: socket.socket, method: str, url: str, headers: dict[str, str]) -> None:
        extra, body = "", ""
        status = self._status if method == "DESCRIBE" else "200 OK"
        if self._login and method == "DESCRIBE" and headers.get("Authorization") != self._login:
            refused = (
                f'RTSP/1.0 401 Unauthorized\r\nCSeq: {headers["CSeq"]}\r\nWWW-Authenticate: Basic realm="c"\r\n\r\n'
            )
            client.sendall(refused.encode())
            return
        if method == "DESCRIBE":
            body = "\r\n".join(
                [
                    "v=0",
                    "o=- 0 0 IN IP4 127.0.0.1",
                    "s=classroom",
                    "c=IN IP4 0.0.0.0",
                    "t=0 0",
                    "m=video 0 RTP/AVP 96",
                    "a=rtpmap:96 raw/90000",
                    f"a=framerate:{FPS}",
                    f"a=fmtp:96 sampling=YCbCr-4:2:2; width={WIDTH}; height={HEIGHT}; depth=8; colorimetry=BT601-5",
                    "a=control:track",
                    "",
                ]
            )
            extra = f"Content-Type: application/sdp\r\nContent-Base: {url}/\r\nContent-Length: {len(body)}\r\n"
        if method == "SETUP":
            extra = f"Transport: {headers['Transport']}\r\n"
        if method == "OPTIONS":
            extra = "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n"
        client.sendall(f"RTSP/1.0 {status}\r\nCSeq: {headers['CSeq']}\r\nSession: 7\r\n{extra}\r\n{body}".encode())

    def _stream(self, client: socket.socket) -> None:
        sequence = count = 0
        with contextlib.suppress(OSError):
            while self._silent_after is None or count < self._silent_after:
                level = 40 + count * 5 % 160
                row = bytes([128, level] * WIDTH)
                for y in range(HEIGHT):
                    last = 0x80 if y == HEIGHT - 1 else 0
                    header = struct.pack("!BBHII", 0x80, 96 | last, sequence % 65536, count * 90000 // FPS, 1)
                    line = struct.pack("!HHHH", sequence >> 16 & 65535, len(row), y, 0)
                    packet = header + line + row
                    client.sendall(b"$\0" + struct.pack("!H", len(packet)) + packet)
                    sequence += 1
                count += 1
                time.sleep(1 / FPS)
