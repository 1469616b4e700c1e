"""An ordinary MQTT subscriber to the contract's topics, on a thread of its own, that comes back after every outage."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable

from edge_agent.config import MqttSettings
from edge_agent.errors import BrokerError, InputError
from edge_agent.messaging.broker import Broker
from edge_agent.messaging.connection import Closed, Connection, Received
from edge_agent.messaging.payloads import TYPES, Message, decode
from edge_agent.messaging.topics import EXPRESSION, HEALTH, STATUS, SUMMARY, Address, Topics, parse

log = logging.getLogger(__name__)

_POLL_S = 0.2
_RETRY_S = 2.0


class Follower:
    """Follows what devices publish.

    Args:
        settings: The broker, and the root of the topics.
        on_message: Called on the follower's thread with every message that can be read.
        site: One site, or ``+`` for all.
        device: One device, or ``+`` for all.

    Attributes:
        connected: Set while the subscription stands.
        trouble: Why it does not stand, in words for a person; empty otherwise.
    """

    def __init__(
        self,
        settings: MqttSettings,
        on_message: Callable[[Address, Message], None],
        *,
        site: str = "+",
        device: str = "+",
    ) -> None:
        self._broker, self._root = Broker.from_settings(settings), settings.root
        topics = Topics(settings.root, site, device)
        self._filters = [topics.of(name) for name in (STATUS, EXPRESSION, SUMMARY, HEALTH)]
        self._on_message = on_message
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)
        self.connected = threading.Event()
        self.trouble = ""

    def start(self) -> None:
        """Begin to follow; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Leave the broker and end."""
        self._stop.set()
        self._thread.join(5.0)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._follow()
            except BrokerError as error:
                self.trouble = str(error)
                log.warning("%s", error)
            self.connected.clear()
            self._stop.wait(_RETRY_S)

    def _follow(self) -> None:
        client_id = f"{self._root}:watch:{secrets.token_hex(6)}"
        connection = Connection(self._broker, client_id, cancelled=self._stop.is_set)
        try:
            connection.subscribe(self._filters)
            self.trouble = ""
            self.connected.set()
            while not self._stop.is_set():
                for signal in connection.poll(_POLL_S):
                    if isinstance(signal, Closed):
                        self.trouble = f"the broker closed the connection: {signal.reason}"
                        return
                    if isinstance(signal, Received):
                        self._take(signal)
        finally:
            connection.close()

    def _take(self, received: Received) -> None:
        address = parse(received.topic, self._root)
        if address is None or not received.payload:
            return
        try:
            message = decode(received.payload, TYPES[address.name])
        except InputError as error:
            log.warning("%s: %s", received.topic, error)
            return
        self._on_message(address, message)
