"""One network connection to a broker, driven by the thread that owns it. A lost one is thrown away, never revived.

paho keeps unacknowledged messages for the next connection and then sends them all at once, whatever the broker's
Receive Maximum; a client object that lives no longer than its connection has nothing to keep.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edge_agent.errors import BrokerError
from edge_agent.mqtt.dial import dial
from edge_agent.mqtt.endpoint import Broker
from edge_agent.mqtt.errors import OLD_BROKER, ConnectError
from edge_agent.mqtt.events import (
    FIRST_FAILURE,
    HISTORICAL,
    Acknowledged,
    Closed,
    ConnectionEvent,
    Received,
    Subscribed,
)
from edge_agent.mqtt.faults import CHECK_ADDRESS, USE_TLS, network_fault
from edge_agent.mqtt.handshake import check_tls, speaks_tls

_NO_LIMIT = 65535
_MAX_INCOMING = 50
"""How many commands the broker may have under way to us at a time (MQTT 5)."""


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker publishes, retained, when this connection breaks; ``delay_s`` only under MQTT 5."""

    topic: str
    payload: bytes
    delay_s: int = 0


class _Client(paho.Client):
    """paho's client on a socket that was connected before: paho itself would block its caller while it connects."""

    connected_socket: socket.socket

    def _create_socket(self) -> socket.socket:
        return self.connected_socket


class Connection:
    """A connection that is open from the end of the constructor until :meth:`poll` gives :class:`Closed`.

    All methods belong to one thread; nothing happens between calls of :meth:`poll`.

    Args:
        broker: Where to connect.
        client_id: The MQTT client id; a connection with the same id is closed by the broker.
        will: What the broker publishes when the connection breaks.
        session_expiry_s: How long the broker keeps subscriptions and what arrives for them (MQTT 5); 0 ends the session
            with the connection.
        answer_within_s: How long the broker may take to answer.
        cancelled: Asked several times a second while waiting for the network and the broker; ``True`` gives up.

    Attributes:
        receive_maximum: How many unacknowledged messages the broker takes.

    Raises:
        ConnectError: The broker refuses the connection.
        BrokerError: It cannot be reached or does not answer.
    """

    def __init__(
        self,
        broker: Broker,
        client_id: str,
        *,
        will: Will | None = None,
        session_expiry_s: int = 0,
        answer_within_s: float = 10.0,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> None:
        self._broker = broker
        self._v5 = broker.protocol == "5"
        self._events: list[ConnectionEvent] = []
        self._filters: dict[int, Sequence[str]] = {}
        self._answer: tuple[int, str] | None = None
        self.receive_maximum = _NO_LIMIT
        self._client = self._build(client_id, session_expiry_s)
        if will is not None:
            self._set_will(will)
        try:
            self._client.connected_socket = dial(broker, cancelled)
            self._open(session_expiry_s, cancelled)
            self._await_answer(answer_within_s, cancelled)
        except BaseException:
            self._drop()
            raise

    @property
    def is_open(self) -> bool:
        """Whether there is a socket to the broker."""
        return self._client.socket() is not None

    def publish(
        self, topic: str, payload: bytes, *, retain: bool = False, expiry_s: int = 0, historical: bool = False
    ) -> int:
        """Send a message with QoS 1; returns its packet id, which :class:`Acknowledged` will carry.

        Expiry and ``historical`` travel under MQTT 5 alone.
        """
        properties = None
        if self._v5 and (expiry_s or historical):
            properties = _properties(PacketTypes.PUBLISH)
            if expiry_s:
                properties.MessageExpiryInterval = expiry_s
            if historical:
                properties.UserProperty = (HISTORICAL, "true")
        return self._client.publish(topic, payload, qos=1, retain=retain, properties=properties).mid

    def subscribe(self, filters: Sequence[str]) -> None:
        """Ask for messages with QoS 1; the answer comes as :class:`Subscribed`."""
        _, packet_id = self._client.subscribe([(name, 1) for name in filters])
        if packet_id is not None:
            self._filters[packet_id] = filters

    def unsubscribe(self, filters: Sequence[str]) -> None:
        """Ask for no more of these messages."""
        self._client.unsubscribe(list(filters))

    def poll(self, timeout_s: float, wake: socket.socket | None = None) -> list[ConnectionEvent]:
        """Let the connection work until something comes in, ``wake`` turns readable or the time is over."""
        sock = self._client.socket()
        if sock is not None and not self._events:
            readable = [sock] if wake is None else [sock, wake]
            writable = [sock] if self._client.want_write() else []
            # TLS may hold decrypted bytes that select cannot see.
            buffered = isinstance(sock, ssl.SSLSocket) and sock.pending() > 0
            ready, ready_to_write, _ = select.select(readable, writable, [], 0 if buffered else timeout_s)
            if sock in ready or buffered:
                self._client.loop_read()
            if ready_to_write:
                self._client.loop_write()
            self._client.loop_misc()
        events, self._events = self._events, []
        return events

    def close(self) -> None:
        """Disconnect in good order, so that the broker drops the will."""
        with contextlib.suppress(OSError, ValueError):
            self._client.disconnect()
        self._drop()

    def abort(self) -> None:
        """Close the socket without a DISCONNECT, as when the line is cut: the broker publishes the will."""
        self._drop()

    def _build(self, client_id: str, session_expiry_s: int) -> _Client:
        client = _Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=paho.MQTTv5 if self._v5 else paho.MQTTv311,
            clean_session=None if self._v5 else session_expiry_s == 0,
            reconnect_on_failure=False,
        )
        client.max_inflight_messages_set(0)  # no second window inside paho
        if self._broker.username:
            client.username_pw_set(self._broker.username, self._broker.password or None)
        client.on_connect = self._on_connect
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_disconnect = self._on_disconnect
        return client

    def _set_will(self, will: Will) -> None:
        properties = None
        if self._v5 and will.delay_s:
            properties = _properties(PacketTypes.WILLMESSAGE)
            properties.WillDelayInterval = will.delay_s
        self._client.will_set(will.topic, will.payload, qos=1, retain=True, properties=properties)

    def _open(self, session_expiry_s: int, cancelled: Callable[[], bool]) -> None:
        properties: Properties | None = None
        clean_start: bool | int = paho.MQTT_CLEAN_START_FIRST_ONLY
        if self._v5:
            properties = _properties(PacketTypes.CONNECT)
            properties.SessionExpiryInterval = session_expiry_s
            properties.ReceiveMaximum = _MAX_INCOMING
            # Starting clean would end the old session, and with it publish a delayed will.
            clean_start = session_expiry_s == 0
        try:
            self._client.connect(
                self._broker.host,
                self._broker.port,
                self._broker.keepalive_s,
                clean_start=clean_start,  # type: ignore[arg-type]
                properties=properties,
            )
        except OSError as error:
            if self._broker.tls is not None:
                # The broker's reason, such as a revoked certificate, is lost where it closes before all is sent.
                check_tls(self._broker, cancelled)
            raise network_fault(self._broker, error, agreed=True) from None

    def _await_answer(self, within_s: float, cancelled: Callable[[], bool]) -> None:
        deadline = time.monotonic() + within_s
        early: list[ConnectionEvent] = []
        while self._answer is None:
            if cancelled() or time.monotonic() > deadline or not self.is_open:
                raise self._no_answer(cancelled)
            early += self.poll(0.1)
        code, reason = self._answer
        if code >= FIRST_FAILURE:
            raise ConnectError(self._broker, code, reason)
        self._events = early + self._events

    def _no_answer(self, cancelled: Callable[[], bool]) -> BrokerError:
        """Why there is no answer to CONNECT. paho does not report what the broker said of TLS."""
        silent = self.is_open
        self._drop()
        if not cancelled():
            if self._broker.tls is not None and not silent:
                check_tls(self._broker, cancelled)
            elif self._broker.tls is None and speaks_tls(self._broker, cancelled):
                return BrokerError(f"broker {self._broker} does not answer", received="TLS at its port", remedy=USE_TLS)
        remedy = f"{CHECK_ADDRESS}: it must be the port for MQTT, not the one for browsers"
        return BrokerError(
            f"broker {self._broker} does not answer",
            received="silence" if silent else "the connection closed",
            expected=f"an answer to MQTT {self._broker.protocol}",
            remedy=f"{remedy}. {OLD_BROKER}" if self._v5 else remedy,
        )

    def _drop(self) -> None:
        """Close the socket whatever state the connection is in."""
        client, sock = self._client, self._client.socket()
        # Without the callbacks nothing refers back from paho's object, so that it goes, and its sockets with it.
        client.on_connect = client.on_publish = client.on_subscribe = client.on_message = client.on_disconnect = None
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)  # type: ignore[attr-defined]
            sock.close()

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, reason: ReasonCode, properties: Any) -> None:
        self.receive_maximum = getattr(properties, "ReceiveMaximum", _NO_LIMIT)
        self._answer = reason.value, str(reason).lower()

    def _on_publish(self, _client: Any, _data: Any, packet_id: int, reason: ReasonCode, _properties: Any) -> None:
        self._events.append(Acknowledged(packet_id, reason.value, str(reason)))

    def _on_subscribe(self, _client: Any, _data: Any, packet_id: int, reasons: list[ReasonCode], _props: Any) -> None:
        filters = self._filters.pop(packet_id, ())
        self._events.append(
            Subscribed(tuple(f for f, reason in zip(filters, reasons, strict=False) if reason.value >= FIRST_FAILURE))
        )

    def _on_message(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        properties = getattr(message.properties, "UserProperty", [])
        historical = any(name == HISTORICAL for name, _ in properties)
        self._events.append(Received(message.topic, bytes(message.payload), message.retain, historical))

    def _on_disconnect(self, _client: Any, _data: Any, flags: Any, reason: ReasonCode, _properties: Any) -> None:
        if flags.is_disconnect_packet_from_server:
            self._events.append(Closed(str(reason).lower(), reason.value))
        else:  # paho calls a closed socket an unspecified error
            self._events.append(Closed("closed" if reason.value == FIRST_FAILURE else str(reason).lower(), 0))


def _properties(packet: int) -> Properties:
    return Properties(packet)  # type: ignore[no-untyped-call]
