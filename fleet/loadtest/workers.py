"""Simulated devices that share one process. Each has the real outbox and publisher: a Messenger with its threads."""

from __future__ import annotations

import heapq
import logging
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe

from edge_agent.config import DeviceSettings, MqttSettings, OutboxSettings, PrivacySettings, Settings
from edge_agent.device.builders import ModelIdentity
from edge_agent.device.messenger import Messenger
from edge_agent.errors import AgentError
from edge_agent.model_format.labels import FER2013
from edge_agent.protocol.messages import HealthReport
from edge_agent.protocol.topics import EXPRESSION, SUMMARY
from edge_agent.types import ExpressionChange
from fleet.loadtest.limits import allow_files
from fleet.loadtest.load_generator import LoadGenerator, Rates

MODEL = "0" * 12
_STOPPING_THREADS = 16
_DRAIN_S = 20.0


@dataclass(frozen=True, slots=True)
class WorkerTask:
    """Which devices a process simulates.

    Attributes:
        mqtt: The broker and how to be let in.
        site: Their site.
        first: Number of the first device.
        count: How many devices.
        rates: How much each sends.
        ramp_s: Seconds over which their connections are spread.
        connect_s: Seconds that all may take to be connected.
    """

    mqtt: MqttSettings
    site: str
    first: int
    count: int
    rates: Rates
    ramp_s: float
    connect_s: float


@dataclass(frozen=True, slots=True)
class LoadPeriod:
    """When devices send, in monotonic seconds, which all processes of a machine share."""

    starts_at: float
    ends_at: float


@dataclass(frozen=True, slots=True)
class Connected:
    """How many devices of a task are connected, and what prevents the others; ``None`` where all are."""

    count: int
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """What the devices of a task have sent.

    Attributes:
        events: By device and topic, how many numbered messages were handed to its messenger.
        reports: Health reports handed over.
        undelivered: Events that the broker had not acknowledged when the devices left.
        reconnected: Connections beyond the first of each device.
        late_s: Seconds by which each message was handed over late. It shows a simulator short of processor time.
    """

    events: dict[tuple[str, str], int]
    reports: int
    undelivered: int
    reconnected: int
    late_s: list[float]


def run_worker(task: WorkerTask, pipe: Pipe) -> None:
    """The work of a process of devices.

    It connects them, sends :class:`Connected`, receives the :class:`LoadPeriod`, sends :class:`Sent` after it, and
    disconnects them.

    Args:
        task: Which devices.
        pipe: To the process that started it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Else every device would log that the one broker is gone.
    logging.getLogger("edge_agent").setLevel(logging.CRITICAL)
    messengers: dict[str, Messenger] = {}
    try:
        allow_files(task.count)
        pipe.send(_connect(task, messengers))
        period = pipe.recv()
        if isinstance(period, LoadPeriod):
            pipe.send(_generate_load(task, messengers, period))
    except AgentError as error:
        pipe.send(Connected(0, str(error)))
    except EOFError:  # nobody waits for these devices any more
        pass
    finally:
        with ThreadPoolExecutor(_STOPPING_THREADS) as pool:
            list(pool.map(lambda messenger: messenger.stop(1.0), messengers.values()))
        pipe.close()


def device_settings(task: WorkerTask, number: int) -> Settings:
    """One device's settings: events of every face, an outbox in memory."""
    return Settings(
        device=DeviceSettings(site=task.site, id=f"sim-{number:04d}"),
        mqtt=task.mqtt,
        privacy=PrivacySettings(level="faces"),
        outbox=OutboxSettings(path=""),
    )


def _connect(task: WorkerTask, messengers: dict[str, Messenger]) -> Connected:
    started = time.monotonic()
    for index in range(task.count):
        settings = device_settings(task, task.first + index)
        messenger = Messenger(settings, ModelIdentity(FER2013, MODEL))
        messengers[settings.device.id] = messenger
        try:
            messenger.start()
        except RuntimeError:  # what Python raises where the kernel refuses a thread
            del messengers[settings.device.id]
            return Connected(index, "this machine allows no more threads; use fewer devices, or raise ulimit -u")
        time.sleep(max(0.0, started + task.ramp_s * (index + 1) / task.count - time.monotonic()))
    deadline = time.monotonic() + task.connect_s
    while (count := _connected(messengers)) < task.count and time.monotonic() < deadline:
        time.sleep(0.1)
    return Connected(
        count, None if count == task.count else "the broker accepts no more of them (max_connections, access rules)"
    )


def _connected(messengers: dict[str, Messenger]) -> int:
    return sum(messenger.statistics().publisher.connected for messenger in messengers.values())


def _generate_load(task: WorkerTask, messengers: dict[str, Messenger], period: LoadPeriod) -> Sent:
    generators = [LoadGenerator(task.rates, FER2013, task.first + n, period.starts_at) for n in range(task.count)]
    names = list(messengers)
    queue = [(generator.next_at, n) for n, generator in enumerate(generators)]
    heapq.heapify(queue)
    events: dict[tuple[str, str], int] = {}
    reports, late_s = 0, []
    time.sleep(max(0.0, period.starts_at - time.monotonic()))
    while queue[0][0] < period.ends_at:
        at, n = heapq.heappop(queue)
        if (early := at - time.monotonic()) > 0:
            time.sleep(early)
        now = time.monotonic()
        message, messenger = generators[n].generate(now), messengers[names[n]]
        heapq.heappush(queue, (generators[n].next_at, n))
        late_s.append(now - at)
        if isinstance(message, HealthReport):
            messenger.health(message)
            reports += 1
            continue
        topic = EXPRESSION if isinstance(message, ExpressionChange) else SUMMARY
        events[names[n], topic] = events.get((names[n], topic), 0) + 1
        if isinstance(message, ExpressionChange):
            messenger.expression(message)
        else:
            messenger.summary(message)
    deadline = time.monotonic() + _DRAIN_S
    while _pending(messengers, events) and time.monotonic() < deadline:
        time.sleep(0.1)
    connections = sum(messenger.statistics().publisher.connections for messenger in messengers.values())
    return Sent(events, reports, _pending(messengers, events), connections - len(messengers), late_s)


def _pending(messengers: dict[str, Messenger], events: dict[tuple[str, str], int]) -> int:
    """Events sent and not yet acknowledged."""
    delivered = sum(sum(messenger.statistics().outbox.delivered.values()) for messenger in messengers.values())
    return sum(events.values()) - delivered
