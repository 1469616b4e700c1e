"""The one who hears everything: a subscriber in a process of its own that counts and times what arrives."""

from __future__ import annotations

import signal
import time
from dataclasses import dataclass, field
from datetime import datetime
from multiprocessing.connection import Connection as Pipe

import msgspec

from edge_agent.config import MqttSettings
from edge_agent.errors import AgentError
from edge_agent.mqtt.connection import Connection
from edge_agent.mqtt.endpoint import Broker
from edge_agent.mqtt.events import Acknowledged, Closed, Received, Subscribed
from edge_agent.protocol.topics import COMMAND, EXPRESSION, HEALTH, SEQUENCED, STATUS, SUMMARY, Topics

PROBE = "probe"
_PROBE_EVERY_S = 0.1
_STEP_S = 0.05
ALL_SAID = "all said"
_QUIET_S = 2.0
"""After so long without a message nothing is on its way any more."""


class _Heading(msgspec.Struct):
    """The part of an event or a report that is needed here; the rest is left unread."""

    session: str
    observed_at: str
    seq: int = 0


@dataclass(slots=True)
class Heard:
    """What arrived.

    Attributes:
        seqs: By device, session and topic, the numbers that came.
        reports: Health reports that were not retained.
        repeated: Events that came more than once.
        delivery_s: From the moment an event was handed over to its arrival here, in seconds.
        probe_s: There and back of a message of the listener's own: broker and network without any outbox.
        problem: Why it stopped hearing, empty where it did not.
    """

    seqs: dict[tuple[str, str, str], set[int]] = field(default_factory=dict)
    reports: int = 0
    repeated: int = 0
    delivery_s: list[float] = field(default_factory=list)
    probe_s: list[float] = field(default_factory=list)
    problem: str = ""

    def take(self, device: str, topic: str, heading: _Heading, arrived_at: float) -> None:
        """Note one numbered event."""
        known = self.seqs.setdefault((device, heading.session, topic), set())
        if heading.seq in known:
            self.repeated += 1
            return
        known.add(heading.seq)
        self.delivery_s.append(arrived_at - datetime.fromisoformat(heading.observed_at[:-1] + "+00:00").timestamp())


def listen(mqtt: MqttSettings, site: str, pipe: Pipe) -> None:
    """A process's whole life: subscribe, tell so, listen until told that all is said and nothing more comes, report."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    heard = Heard()
    try:
        connection = Connection(Broker.from_settings(mqtt), f"{mqtt.root}:{site}:listener")
    except AgentError as error:
        pipe.send(str(error))
        return
    everyone = Topics(mqtt.root, site, "+")
    connection.subscribe([everyone.of(name) for name in (*SEQUENCED, HEALTH, COMMAND)])
    next_probe, mine = 0.0, Topics(mqtt.root, site, PROBE).of(COMMAND)
    try:
        all_said, quiet_since = False, time.monotonic()
        while not heard.problem:
            now = time.monotonic()
            all_said = all_said or (pipe.poll() and pipe.recv() == ALL_SAID)
            if all_said and now - quiet_since > _QUIET_S:
                break
            if now >= next_probe and not all_said:
                next_probe = now + _PROBE_EVERY_S
                connection.publish(mine, f"{now:.6f}".encode())
            for signal_ in connection.poll(_STEP_S):
                if isinstance(signal_, Subscribed):
                    heard.problem = f"no subscription to {', '.join(signal_.refused)}" if signal_.refused else ""
                    pipe.send(heard.problem)
                elif isinstance(signal_, Received):
                    _take(heard, signal_, mine)
                    quiet_since = now
                elif isinstance(signal_, Closed):
                    heard.problem = f"the broker closed the listener's connection: {signal_.reason}"
    except EOFError:  # nobody waits for the answer any more
        return
    connection.close()
    pipe.send(heard)


def _take(heard: Heard, message: Received, mine: str) -> None:
    if message.retained:
        return
    if message.topic == mine:
        heard.probe_s.append(time.monotonic() - float(message.payload))
        return
    device, topic = message.topic.split("/")[-2:]
    if topic == HEALTH:
        heard.reports += 1
    elif topic in (EXPRESSION, SUMMARY):
        heard.take(device, topic, msgspec.json.decode(message.payload, type=_Heading), time.time())


def clear_retained(mqtt: MqttSettings, site: str, devices: list[str]) -> None:
    """Take back what simulated devices leave behind at the broker: their status and health.

    Raises:
        BrokerError: It cannot be reached or refuses.
    """
    connection = Connection(Broker.from_settings(mqtt), f"{mqtt.root}:{site}:cleaner")
    left = [Topics(mqtt.root, site, device).of(name) for device in devices for name in (STATUS, HEALTH)]
    waiting = 0
    deadline = time.monotonic() + 30.0
    while (left or waiting) and connection.is_open and time.monotonic() < deadline:
        while left and waiting < 20:
            connection.publish(left.pop(), b"", retain=True)
            waiting += 1
        waiting -= sum(isinstance(signal_, Acknowledged) for signal_ in connection.poll(_STEP_S))
    connection.close()
