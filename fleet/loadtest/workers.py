"""Simulated devices that share one process. Each is the real thing from the outbox on: a Messenger with its threads."""

from __future__ import annotations

import heapq
import logging
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe

from edge_agent.config import DeviceSettings, MqttSettings, OutboxSettings, PrivacySettings, Settings
from edge_agent.device.messenger import Messenger
from edge_agent.errors import AgentError
from edge_agent.model_format.labels import FER2013
from edge_agent.protocol.messages import HealthReport
from edge_agent.protocol.topics import EXPRESSION, SUMMARY
from edge_agent.types import ExpressionChange
from fleet.loadtest.limits import allow_files
from fleet.loadtest.load_generator import Chatter, Rates

MODEL = "0" * 12
_LEAVING = 16
_DRAIN_S = 20.0


@dataclass(frozen=True, slots=True)
class Crew:
    """Which devices a process plays.

    Attributes:
        mqtt: The broker and how to be let in.
        site: Their site.
        first: Number of the first device.
        count: How many.
        rates: How much each says.
        ramp_s: Over how long their connections are spread.
        connect_s: How long all may take to be connected.
    """

    mqtt: MqttSettings
    site: str
    first: int
    count: int
    rates: Rates
    ramp_s: float
    connect_s: float


@dataclass(frozen=True, slots=True)
class Window:
    """When there is talk, in monotonic seconds, which all processes of a machine share."""

    starts_at: float
    ends_at: float


@dataclass(frozen=True, slots=True)
class Connected:
    """How many devices of a crew are connected, and what hinders the rest."""

    count: int
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """What a crew has done.

    Attributes:
        events: By device and topic, how many numbered messages were handed to its messenger.
        reports: Health reports handed over.
        undelivered: Events that the broker had not acknowledged when the crew left.
        reconnected: Connections beyond the first of each device.
        late_s: How late each message was handed over, in seconds: a simulator short of processor time shows here.
    """

    events: dict[tuple[str, str], int]
    reports: int
    undelivered: int
    reconnected: int
    late_s: list[float]


def play(crew: Crew, pipe: Pipe) -> None:
    """A process's whole life: connect, tell so, talk within the window that is sent back, report, leave."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # One broker that is gone would be reported by every device.
    logging.getLogger("edge_agent").setLevel(logging.CRITICAL)
    messengers: dict[str, Messenger] = {}
    try:
        allow_files(crew.count)
        pipe.send(_connect(crew, messengers))
        window = pipe.recv()
        if isinstance(window, Window):
            pipe.send(_talk(crew, messengers, window))
    except AgentError as error:
        pipe.send(Connected(0, str(error)))
    except EOFError:  # nobody waits for these devices any more
        pass
    finally:
        with ThreadPoolExecutor(_LEAVING) as leaving:
            list(leaving.map(lambda messenger: messenger.stop(1.0), messengers.values()))
        pipe.close()


def device_settings(crew: Crew, number: int) -> Settings:
    """One device's settings: events of every face, an outbox in memory."""
    return Settings(
        device=DeviceSettings(site=crew.site, id=f"sim-{number:04d}"),
        mqtt=crew.mqtt,
        privacy=PrivacySettings(level="faces"),
        outbox=OutboxSettings(path=""),
    )


def _connect(crew: Crew, messengers: dict[str, Messenger]) -> Connected:
    started = time.monotonic()
    for index in range(crew.count):
        settings = device_settings(crew, crew.first + index)
        messenger = Messenger(settings, labels=FER2013, model_id=MODEL)
        messengers[settings.device.id] = messenger
        try:
            messenger.start()
        except RuntimeError:  # what Python makes of the kernel's refusal
            del messengers[settings.device.id]
            return Connected(index, "this machine allows no more threads; use fewer devices, or raise ulimit -u")
        time.sleep(max(0.0, started + crew.ramp_s * (index + 1) / crew.count - time.monotonic()))
    deadline = time.monotonic() + crew.connect_s
    while (count := _connected(messengers)) < crew.count and time.monotonic() < deadline:
        time.sleep(0.1)
    return Connected(count, "" if count == crew.count else "the broker lets no more in (max_connections, access rules)")


def _connected(messengers: dict[str, Messenger]) -> int:
    return sum(messenger.statistics().publisher.connected for messenger in messengers.values())


def _talk(crew: Crew, messengers: dict[str, Messenger], window: Window) -> Said:
    chatters = [Chatter(crew.rates, FER2013, crew.first + n, window.starts_at) for n in range(crew.count)]
    names = list(messengers)
    queue = [(chatter.next_at, n) for n, chatter in enumerate(chatters)]
    heapq.heapify(queue)
    events: dict[tuple[str, str], int] = {}
    reports, late_s = 0, []
    time.sleep(max(0.0, window.starts_at - time.monotonic()))
    while queue[0][0] < window.ends_at:
        at, n = heapq.heappop(queue)
        if (early := at - time.monotonic()) > 0:
            time.sleep(early)
        now = time.monotonic()
        said, messenger = chatters[n].say(now), messengers[names[n]]
        heapq.heappush(queue, (chatters[n].next_at, n))
        late_s.append(now - at)
        if isinstance(said, HealthReport):
            messenger.health(said)
            reports += 1
            continue
        topic = EXPRESSION if isinstance(said, ExpressionChange) else SUMMARY
        events[names[n], topic] = events.get((names[n], topic), 0) + 1
        if isinstance(said, ExpressionChange):
            messenger.expression(said)
        else:
            messenger.summary(said)
    deadline = time.monotonic() + _DRAIN_S
    while _pending(messengers, events) and time.monotonic() < deadline:
        time.sleep(0.1)
    connections = sum(messenger.statistics().publisher.connections for messenger in messengers.values())
    return Said(events, reports, _pending(messengers, events), connections - len(messengers), late_s)


def _pending(messengers: dict[str, Messenger], events: dict[tuple[str, str], int]) -> int:
    """Events said and not yet acknowledged."""
    delivered = sum(sum(messenger.statistics().outbox.delivered.values()) for messenger in messengers.values())
    return sum(events.values()) - delivered
