"""Ends the publisher's wait for the network as soon as there is something to send."""

from __future__ import annotations

import contextlib
import select
import socket


class Wakeup:
    """A flag that ``select`` can wait for together with the broker's socket.

    Attributes:
        receiver: Readable while the flag is set.
    """

    def __init__(self) -> None:
        self.receiver, self._sender = socket.socketpair()
        self.receiver.setblocking(False)
        self._sender.setblocking(False)

    def set(self) -> None:
        """There may be something to send; from any thread, and also after :meth:`close`."""
        with contextlib.suppress(OSError):  # a full pipe wakes as well
            self._sender.send(b"\0")

    def clear(self) -> None:
        """Wait anew."""
        with contextlib.suppress(BlockingIOError):
            while self.receiver.recv(4096):
                pass

    def wait(self, seconds: float) -> None:
        """Wait until the flag is set or the time is over; the flag is clear afterwards."""
        select.select([self.receiver], [], [], seconds)
        self.clear()

    def close(self) -> None:
        """Free the sockets; nothing may wait any more."""
        self.receiver.close()
        self._sender.close()
