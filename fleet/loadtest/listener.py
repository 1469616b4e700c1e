"""The subscriber of a load test: a process of its own that counts and times what arrives."""

from __future__ import annotations

import signal
import time
from dataclasses import dataclass, field
from datetime import datetime
from multiprocessing.connection import Connection as Pipe

import msgspec

from edge_agent.config import MqttSettings
from edge_agent.decoding import decode_json
from edge_agent.errors import AgentError, BrokerError
from edge_agent.mqtt.connection import Connection
from edge_agent.mqtt.endpoint import Broker
from edge_agent.mqtt.events import Acknowledged, Closed, Received, Subscribed
from edge_agent.protocol.topics import COMMAND, EXPRESSION, HEALTH, SEQUENCED, STATUS, SUMMARY, Topics

PROBE = "probe"
_PROBE_EVERY_S = 0.1
_STEP_S = 0.05
ALL_SENT = "all sent"
"""What the listener is sent when the devices have sent everything."""
_QUIET_S = 2.0
"""After so long without a message, none is on its way any more."""
_PLACE_WITHIN_S = 5.0


class _Header(msgspec.Struct):
    """The part of an event or a report that is needed here. The rest is not decoded."""

    session: str
    observed_at: str
    seq: int = 0


@dataclass(slots=True)
class ListenerResult:
    """What the listener received.

    Attributes:
        seqs: The sequence numbers that arrived, by device, session and topic.
        reports: Health reports that were not retained.
        repeated: Events that arrived more than once.
        delivery_s: Seconds from the moment an event was handed over to its arrival here.
        probe_s: Seconds that messages of the listener's own took to the broker and back, without any outbox.
        problem: Why it stopped listening; ``None`` where it did not.
    """

    seqs: dict[tuple[str, str, str], set[int]] = field(default_factory=dict)
    reports: int = 0
    repeated: int = 0
    delivery_s: list[float] = field(default_factory=list)
    probe_s: list[float] = field(default_factory=list)
    problem: str | None = None

    def count_event(self, device: str, topic: str, header: _Header, arrived_at: float) -> None:
        """Count one numbered event; ``arrived_at`` in seconds of Unix time."""
        known = self.seqs.setdefault((device, header.session, topic), set())
        if header.seq in known:
            self.repeated += 1
            return
        known.add(header.seq)
        self.delivery_s.append(arrived_at - datetime.fromisoformat(header.observed_at[:-1] + "+00:00").timestamp())


def listen(mqtt: MqttSettings, site: str, pipe: Pipe) -> None:
    """The work of the listener's process.

    It subscribes, sends ``None`` or what is wrong, and counts until :data:`ALL_SENT` and silence. Then it sends its
    :class:`ListenerResult`.

    Args:
        mqtt: The broker and how to be let in.
        site: The site of the simulated devices.
        pipe: To the process that started it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    result = ListenerResult()
    try:
        connection = Connection(Broker.from_settings(mqtt), f"{mqtt.root}:{site}:listener")
    except AgentError as error:
        pipe.send(str(error))
        return
    everyone = Topics(mqtt.root, site, "+")
    connection.subscribe([everyone.of(name) for name in (*SEQUENCED, HEALTH, COMMAND)])
    next_probe, probe_topic = 0.0, Topics(mqtt.root, site, PROBE).of(COMMAND)
    try:
        all_sent, quiet_since = False, time.monotonic()
        while result.problem is None:
            now = time.monotonic()
            all_sent = all_sent or (pipe.poll() and pipe.recv() == ALL_SENT)
            if all_sent and now - quiet_since > _QUIET_S:
                break
            if now >= next_probe and not all_sent:
                next_probe = now + _PROBE_EVERY_S
                connection.publish(probe_topic, f"{now:.6f}".encode())
            for event in connection.poll(_STEP_S):
                if isinstance(event, Subscribed):
                    result.problem = f"no subscription to {', '.join(event.refused)}" if event.refused else None
                    pipe.send(result.problem)
                elif isinstance(event, Received):
                    _take(result, event, probe_topic)
                    quiet_since = now
                elif isinstance(event, Closed):
                    result.problem = f"the broker closed the listener's connection: {event.reason}"
    except EOFError:  # nobody waits for the result any more
        return
    connection.close()
    pipe.send(result)


def _take(result: ListenerResult, message: Received, probe_topic: str) -> None:
    if message.retained:
        return
    if message.topic == probe_topic:
        result.probe_s.append(time.monotonic() - float(message.payload))
        return
    device, topic = message.topic.split("/")[-2:]
    if topic == HEALTH:
        result.reports += 1
    elif topic in (EXPRESSION, SUMMARY):
        result.count_event(device, topic, decode_json(message.payload, _Header), time.time())


def clear_retained(mqtt: MqttSettings, site: str, devices: list[str]) -> None:
    """Remove what simulated devices leave at the broker: their retained status and health.

    Raises:
        BrokerError: It cannot be reached or refuses, and did so for some seconds.
    """
    connection = _connect_patiently(Broker.from_settings(mqtt), f"{mqtt.root}:{site}:cleaner")
    left = [Topics(mqtt.root, site, device).of(name) for device in devices for name in (STATUS, HEALTH)]
    waiting = 0
    deadline = time.monotonic() + 30.0
    while (left or waiting) and connection.is_open and time.monotonic() < deadline:
        while left and waiting < 20:
            connection.publish(left.pop(), b"", retain=True)
            waiting += 1
        waiting -= sum(isinstance(event, Acknowledged) for event in connection.poll(_STEP_S))
    connection.close()


def _connect_patiently(broker: Broker, client_id: str) -> Connection:
    """A busy broker may count the devices that have just left, and have no place yet."""
    deadline = time.monotonic() + _PLACE_WITHIN_S
    while True:
        try:
            return Connection(broker, client_id)
        except BrokerError:
            if time.monotonic() > deadline:
                raise
        time.sleep(_STEP_S)
