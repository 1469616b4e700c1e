"""A broker inside this process, on the loopback interface: for demonstrations, never for a school."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import threading

from edge_agent.errors import BrokerError
from edge_agent.extras import how_to_install

_START_WITHIN_S = 15.0


class EmbeddedBroker:
    """`amqtt` on a free loopback port, on a thread of its own. It speaks MQTT 3.1.1. Use as a context manager.

    Attributes:
        host: The loopback address.
        port: Where it listens.

    Raises:
        BrokerError: `amqtt` is not installed, or the broker does not start.
    """

    def __init__(self, port: int = 0) -> None:
        self.host = "127.0.0.1"
        self.port = port or _free_port(self.host)
        self._loop = asyncio.new_event_loop()
        self._ready, self._stop = threading.Event(), asyncio.Event()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="demo-broker", daemon=True)

    def __enter__(self) -> EmbeddedBroker:
        self._thread.start()
        if not self._ready.wait(_START_WITHIN_S) or self._failure is not None:
            if isinstance(self._failure, ImportError):
                raise BrokerError("the embedded broker is not installed", remedy=how_to_install("demo"))
            raise BrokerError(f"the embedded broker did not start on {self.host}:{self.port}", received=self._failure)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(5.0)

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        try:
            from amqtt.broker import Broker

            # It logs every connection and, of clients that leave, tracebacks: nothing for a demonstration's screen.
            for name in ("amqtt", "transitions"):
                logging.getLogger(name).setLevel(logging.CRITICAL)
            broker = Broker(
                {
                    "listeners": {"default": {"type": "tcp", "bind": f"{self.host}:{self.port}"}},
                    "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
                }
            )
            await broker.start()
        except Exception as failure:  # noqa: BLE001 - reported to the caller, who waits on another thread
            self._failure = failure
            self._ready.set()
            return
        self._ready.set()
        await self._stop.wait()
        with contextlib.suppress(asyncio.CancelledError):
            await broker.shutdown()


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port
