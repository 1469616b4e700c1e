"""Whether the broker accepts this device, for `edge-agent doctor`."""

from __future__ import annotations

import time

from edge_agent.config import Settings
from edge_agent.device.instance_lock import is_locked
from edge_agent.errors import BrokerError
from edge_agent.mqtt.connection import Connection
from edge_agent.mqtt.endpoint import Broker
from edge_agent.mqtt.events import Acknowledged, Subscribed
from edge_agent.mqtt.handshake import check_tls
from edge_agent.protocol.messages import Reply, encode
from edge_agent.protocol.topics import COMMAND, REPLY, Topics

_TIMEOUT_S = 10.0


def probe_broker(settings: Settings, *, within_s: float = _TIMEOUT_S) -> str:
    """Connect, subscribe and publish one message on ``reply`` that answers no command.

    It uses a client id of its own, so that an agent at work keeps its connection. Where a certificate is the device's
    account, the broker may make it the client id, too: while an agent is at work on this machine, it is then only seen
    whether the broker accepts the certificate.

    Args:
        settings: Names the broker and the device.
        within_s: How long to wait for network and broker, in seconds.

    Returns:
        What was found, in a line.

    Raises:
        ConfigError: A password file or certificate cannot be used.
        BrokerError: The broker cannot be reached, or refuses the connection, the subscription or the message.
    """
    broker = Broker.from_settings(settings.mqtt)
    topics = Topics(settings.mqtt.root, settings.device.site, settings.device.id)
    began = time.monotonic()

    def is_late() -> bool:
        return time.monotonic() > began + within_s

    if broker.certificate:
        check_tls(broker, is_late)
        if is_locked(topics, broker):
            return f"{broker} accepts this device's certificate; the agent at work keeps the connection to itself"
    dialled = time.monotonic()
    connection = Connection(broker, f"{topics.client_id}:probe", answer_within_s=0.6 * within_s, cancelled=is_late)
    took_ms = (time.monotonic() - dialled) * 1000.0
    try:
        connection.subscribe([topics.of(COMMAND)])
        probe = Reply(id="probe", command="", ok=True, session="")
        connection.publish(topics.of(REPLY), encode(probe))
        _await_answers(connection, broker, topics, began + within_s)
    finally:
        connection.close()
    return f"{broker} with MQTT {broker.protocol} in {took_ms:.0f} ms, may publish and subscribe"


def _await_answers(connection: Connection, broker: Broker, topics: Topics, deadline: float) -> None:
    waiting = {Acknowledged, Subscribed}
    while waiting:
        if time.monotonic() > deadline or not connection.is_open:
            raise BrokerError(f"broker {broker} let this device in and then fell silent", remedy="See the broker's log")
        for event in connection.poll(0.1):
            waiting.discard(type(event))
            if isinstance(event, Acknowledged) and not event.ok:
                raise _denied(broker, f"publish on {topics.of(REPLY)}", event.reason)
            if isinstance(event, Subscribed) and event.refused:
                raise _denied(broker, f"subscribe to {topics.of(COMMAND)}", "denied")


def _denied(broker: Broker, what: str, reason: str) -> BrokerError:
    return BrokerError(
        f"broker {broker} does not let this device {what}",
        received=reason,
        remedy="Let the broker's access rules allow it",
    )
