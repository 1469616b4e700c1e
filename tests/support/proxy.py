"""A TCP proxy between a client and a broker that can cut, freeze and count what passes."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from dataclasses import dataclass, field

_PUBLISH, _PUBACK = 3, 4


class _Frames:
    """Finds MQTT packets in a stream of bytes."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[int]:
        """The first bytes of the packets that are now complete."""
        self._buffer += data
        found = []
        while (size := self._size()) is not None and len(self._buffer) >= size:
            found.append(self._buffer[0])
            del self._buffer[:size]
        return found

    def _size(self) -> int | None:
        length = 0
        for place, byte in enumerate(self._buffer[1:5]):
            length |= (byte & 127) << (7 * place)
            if byte < 128:
                return 2 + place + length
        return None


@dataclass
class _Window:
    """What one connection's client has sent and the broker not acknowledged."""

    in_flight: int = 0


@dataclass
class Proxy:
    """Listens on a port of its own and passes on to ``target_port``, both on loopback.

    Attributes:
        max_in_flight_seen: The most QoS 1 messages from the client that were unacknowledged at a time.
        publishes: How many messages the client sent.
        connections: How many connections were made.
        sent: Every byte that came from the client, where ``recording``.
        recording: Whether to keep those.
        delay_s: How long every piece of data is held up, in either direction.
    """

    target_port: int
    port: int = 0
    max_in_flight_seen: int = 0
    publishes: int = 0
    connections: int = 0
    delay_s: float = 0.0
    recording: bool = False
    sent: bytearray = field(default_factory=bytearray)
    _frozen: threading.Event = field(default_factory=threading.Event)
    _shut: threading.Event = field(default_factory=threading.Event)
    _pairs: list[tuple[socket.socket, socket.socket]] = field(default_factory=list)

    def __enter__(self) -> Proxy:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def cut(self) -> None:
        """Break every connection."""
        for pair in self._pairs:
            for end in pair:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()
        self._pairs.clear()

    def shut(self) -> None:
        """Break every connection and turn away new ones."""
        self._shut.set()
        self.cut()

    def reopen(self) -> None:
        """Let new connections through again."""
        self._shut.clear()

    @property
    def is_shut(self) -> bool:
        """Whether connections are turned away."""
        return self._shut.is_set()

    def freeze(self) -> None:
        """Keep connections open and let nothing through any more, as a router does that has lost its table."""
        self._frozen.set()

    def thaw(self) -> None:
        """Let new connections through again; what was sent into the ice is lost, and those connections break."""
        self.cut()
        self._frozen.clear()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._shut.is_set():
                client.close()
                continue
            self.connections += 1
            try:
                server = socket.create_connection(("127.0.0.1", self.target_port))
            except OSError:
                client.close()
                continue
            self._pairs.append((client, server))
            window = _Window()
            for source, sink, from_client in ((client, server, True), (server, client, False)):
                threading.Thread(target=self._pass_on, args=(source, sink, window, from_client), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, window: _Window, from_client: bool) -> None:
        frames = _Frames()
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if self._frozen.is_set():
                    continue
                if from_client and self.recording:
                    self.sent += data
                self._count(frames.feed(data), window, from_client)
                time.sleep(self.delay_s)
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _count(self, packets: list[int], window: _Window, from_client: bool) -> None:
        for first in packets:
            if from_client and first >> 4 == _PUBLISH and first & 0b110:
                self.publishes += 1
                window.in_flight += 1
                self.max_in_flight_seen = max(self.max_in_flight_seen, window.in_flight)
            elif not from_client and first >> 4 == _PUBACK:
                window.in_flight -= 1
