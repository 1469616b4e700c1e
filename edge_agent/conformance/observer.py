"""A connection of its own to the broker, which records what comes. Nothing here knows the project's client."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from edge_agent.conformance.record import Record, Seen
from edge_agent.errors import BrokerError
from edge_agent.mqtt.connection import Connection
from edge_agent.mqtt.endpoint import Broker
from edge_agent.mqtt.events import HISTORICAL
from edge_agent.protocol.topics import RESENT

_ANSWER_S = 15.0


def open_client(broker: Broker, client_id: str, on_message: Callable[[paho.MQTTMessage], None]) -> paho.Client:
    """Connect, on a thread of paho's.

    Raises:
        BrokerError: The broker cannot be reached or refuses this client.
    """
    Connection(broker, f"{client_id}-probe").close()  # it says why where that fails
    version = paho.MQTTv5 if broker.protocol == "5" else paho.MQTTv311
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=version)
    if broker.username:
        client.username_pw_set(broker.username, broker.password or None)
    if broker.tls is not None:
        client.tls_set_context(broker.tls)
    connected = threading.Event()
    client.on_connect = lambda *_: connected.set()
    client.on_message = lambda _client, _data, message: on_message(message)
    client.connect(broker.host, broker.port, broker.keepalive_s)
    client.loop_start()
    if not connected.wait(_ANSWER_S):
        client.loop_stop()
        raise BrokerError(f"broker {broker} does not answer")
    return client


def subscribe(client: paho.Client, filters: list[str], qos: int) -> None:
    """Subscribe, and return once that is answered.

    Raises:
        BrokerError: The broker does not answer.
    """
    answered = threading.Event()
    client.on_subscribe = lambda *_: answered.set()
    client.subscribe([(name, qos) for name in filters])
    if not answered.wait(_ANSWER_S):
        raise BrokerError("the broker does not answer a subscription")


def _shows_qos(broker: Broker, topic: str, name: str) -> bool:
    """Whether the broker delivers a message with the QoS it was published with; some raise it to the subscriber's."""
    came: list[int] = []
    arrived = threading.Event()

    def on_message(message: paho.MQTTMessage) -> None:
        came.append(message.qos)
        arrived.set()

    client = open_client(broker, f"{name}-qos", on_message)
    try:
        subscribe(client, [topic], 2)
        client.publish(topic, b"{}", qos=0)
        arrived.wait(1.0)  # for ever where access rules forbid the topic; such brokers are no toys
    finally:
        client.disconnect()
        client.loop_stop()
    return came in ([], [0])


class Observer:
    """Records a device's topics. Use as a context manager.

    Args:
        broker: Where to connect.
        record: What to write into.
        asker: As whom events are asked for that nobody else gets.
    """

    def __init__(self, broker: Broker, record: Record, asker: str) -> None:
        self._broker, self._record, self._asker = broker, record, asker
        self._name = asker.rsplit("/", 1)[-1]
        self._began = time.monotonic()
        self._changed = threading.Condition()

    def __enter__(self) -> Observer:
        topics = self._record.topics
        self._record.shows_qos = _shows_qos(self._broker, f"{topics.root}/conformance/{self._name}", self._name)
        # With QoS 2 every message comes with the QoS it was published with.
        self._qos = 2 if self._record.shows_qos else 1
        self._client = open_client(self._broker, self._name, self._received)
        resent = f"{topics.root}/{RESENT}/v1/{self._asker}/{topics.site}/{topics.device}/+"
        subscribe(self._client, [topics.of("#"), resent], self._qos)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def now(self) -> float:
        """Seconds since the record began."""
        return time.monotonic() - self._began

    def publish(self, name: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish something on one of the device's topics, and wait until the broker has it."""
        self._record.published.append((name, payload))
        self._client.publish(self._record.topics.of(name), payload, qos=1, retain=retain).wait_for_publish(_ANSWER_S)

    def wait(self, seconds: float, condition: Callable[[], bool] = lambda: False) -> bool:
        """Wait until the condition holds, at most so long; returns whether it does."""
        with self._changed:
            return self._changed.wait_for(condition, seconds)

    def look(self, moment: str) -> None:
        """Note what the broker gives to a subscriber that comes now."""
        kept: list[Seen] = []
        client = open_client(
            self._broker, f"{self._name}-{moment}", lambda message: kept.append(self._seen(message, self.now()))
        )
        subscribe(client, [self._record.topics.of("#")], self._qos)
        self.wait(0.5)
        client.disconnect()
        client.loop_stop()
        self._record.kept[moment] = [seen for seen in kept if seen.retained]

    def _received(self, message: paho.MQTTMessage) -> None:
        seen = self._seen(message, self.now())
        with self._changed:
            self._record.seen.append(seen)
            self._changed.notify_all()

    def _seen(self, message: paho.MQTTMessage, at: float) -> Seen:
        properties: Any = getattr(message, "properties", None)
        v5 = self._broker.protocol == "5"
        marks = dict(getattr(properties, "UserProperty", []))
        return Seen(
            at=at,
            name=message.topic.removeprefix(self._record.topics.of("")).rsplit(f"/{self._record.topics.device}/", 1)[
                -1
            ],
            payload=bytes(message.payload),
            retained=bool(message.retain),
            qos=message.qos,
            historical=marks.get(HISTORICAL) == "true" if v5 else None,
            expiry_s=getattr(properties, "MessageExpiryInterval", None),
            resent=message.topic.startswith(f"{self._record.topics.root}/{RESENT}/"),
        )
