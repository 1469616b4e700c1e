"""A small HTTP server that sends one JPEG after the other, as network cameras do (``multipart/x-mixed-replace``)."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterable
from types import TracebackType


class MjpegServer:
    """Sends pictures to every client, then hangs up.

    Args:
        pictures: Gives the bytes of the pictures for one client.
        pause_s: Time between two pictures.
    """

    def __init__(self, pictures: Callable[[], Iterable[bytes]], *, pause_s: float = 0.0) -> None:
        self._pictures, self._pause_s = pictures, pause_s
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.clients = 0
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/stream.mjpg"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> MjpegServer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.clients += 1
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client:
            client.recv(65536)
            client.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=next\r\n\r\n")
            for picture in self._pictures():
                head = f"--next\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
                client.sendall(head.encode() + picture + b"\r\n")
                time.sleep(self._pause_s)
