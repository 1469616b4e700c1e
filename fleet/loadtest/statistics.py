"""Statistics of a load test, from what was sent and what the listener received."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from fleet.loadtest.listener import ListenerResult
from fleet.loadtest.workers import Sent

BUSY_CORE = 0.85
"""Above this share of a core, a Python process is too busy to measure with."""
LATE_S = 0.25
"""Above this delay in seconds, times are not the broker's alone."""


@dataclass(frozen=True, slots=True)
class Milliseconds:
    """Median, 99th percentile and largest of a set of times; NaN of none."""

    p50: float
    p99: float
    max: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Milliseconds:
        """Of times in seconds."""
        return cls(*(round(1000 * percentile(seconds, share), 1) for share in (0.5, 0.99, 1.0)))


@dataclass(frozen=True, slots=True)
class Load:
    """Processor time by program, in cores: 0.5 is half of one core for the whole time.

    Attributes:
        broker: ``None`` where its process is not known.
        devices: All simulated devices.
        busiest_process: The process of devices that used most. One core is its limit.
        listener: The subscriber.
        others: Everything else on this machine.
    """

    broker: float | None
    devices: float
    busiest_process: float
    listener: float
    others: float


@dataclass(frozen=True, slots=True)
class Report:
    """What a simulation found.

    Attributes:
        devices: How many.
        processes: Over how many processes they were spread.
        seconds: For how long they sent.
        connected_s: Seconds until all of them were connected.
        sent: Events handed over.
        received: Of these, how many the listener received.
        lost: Events that the broker acknowledged and the listener never received.
        undelivered: Events still waiting in an outbox when the devices left.
        repeated: Events that the listener received more than once.
        health_sent: Health reports handed over. While reports of a device wait, only the latest of them is kept.
        health_received: Health reports that the listener received.
        messages_s: Events and reports a second.
        reconnected: Connections that were lost and made again.
        delivery_ms: From an event's hand-over to the listener, waiting in the outbox included.
        probe_ms: To the broker and back, for a message without any outbox.
        late_ms: How late the simulator handed events over, because it had too little processor time.
        load: Processor time by program.
        warnings: Why the statistics are not the broker's alone.
    """

    devices: int
    processes: int
    seconds: float
    connected_s: float
    sent: int
    received: int
    lost: int
    undelivered: int
    repeated: int
    health_sent: int
    health_received: int
    messages_s: float
    reconnected: int
    delivery_ms: Milliseconds
    probe_ms: Milliseconds
    late_ms: Milliseconds
    load: Load
    warnings: tuple[str, ...]

    def as_dict(self) -> dict[str, object]:
        """For JSON; times that were not measured are null."""
        return {name: _finite(value) for name, value in asdict(self).items()}

    def rows(self) -> list[tuple[str, str]]:
        """For people."""
        cores, times = self.load, ("delivery_ms", "probe_ms", "late_ms")
        delivery, probe, late = (_format(getattr(self, name)) for name in times)
        broker = "not known (--broker-pid)" if cores.broker is None else f"{cores.broker:.2f} cores"
        return [
            ("devices", f"{self.devices} in {self.processes} processes, all connected after {self.connected_s:.1f} s"),
            ("messages", f"{self.messages_s:.0f} a second for {self.seconds:.0f} s"),
            (
                "events",
                f"{self.sent} sent, {self.received} received, {self.lost} lost, {self.repeated} repeated, "
                f"{self.undelivered} still waiting",
            ),
            ("health reports", f"{self.health_sent} sent, {self.health_received} received"),
            ("connections lost", str(self.reconnected)),
            ("event to subscriber", delivery),
            ("round trip, no outbox", probe),
            ("broker", broker),
            ("simulated devices", f"{cores.devices:.2f} cores, busiest process {cores.busiest_process:.2f}"),
            ("  send late by", late),
            ("listener", f"{cores.listener:.2f} cores"),
            ("other programs here", f"{cores.others:.2f} cores"),
        ]


@dataclass(frozen=True, slots=True)
class Usage:
    """Processor time in seconds.

    Attributes:
        broker: Of the broker; ``None`` where its process is not known.
        listener: Of the listener.
        workers: Of each process of devices.
        machine: Of the whole machine.
    """

    broker: float | None
    listener: float
    workers: tuple[float, ...]
    machine: float

    def since(self, before: Usage) -> Usage:
        """What was used between two measurements."""
        known = self.broker is not None and before.broker is not None
        return Usage(
            broker=self.broker - before.broker if known else None,  # type: ignore[operator]
            listener=self.listener - before.listener,
            workers=tuple(now - then for now, then in zip(self.workers, before.workers, strict=True)),
            machine=self.machine - before.machine,
        )


def summarize(
    sent_by: Sequence[Sent], result: ListenerResult, used: Usage, *, devices: int, seconds: float, connected_s: float
) -> Report:
    """The report of a load test.

    Args:
        sent_by: What each process of devices sent.
        result: What the listener received.
        used: Processor time while they sent.
        devices: How many there were.
        seconds: For how long they sent.
        connected_s: Seconds until all were connected.
    """
    sent = sum(sum(one.events.values()) for one in sent_by)
    received = sum(len(seqs) for seqs in result.seqs.values())
    undelivered = sum(one.undelivered for one in sent_by)
    reports = sum(one.reports for one in sent_by)
    lost = max(0, sent - received - undelivered)
    others_s = used.machine - sum(used.workers) - used.listener - (used.broker or 0.0)
    load = Load(
        broker=None if used.broker is None else round(used.broker / seconds, 3),
        devices=round(sum(used.workers) / seconds, 3),
        busiest_process=round(max(used.workers) / seconds, 3),
        listener=round(used.listener / seconds, 3),
        others=round(max(0.0, others_s) / seconds, 3),
    )
    late = [late_s for one in sent_by for late_s in one.late_s]
    return Report(
        devices=devices,
        processes=len(sent_by),
        seconds=seconds,
        connected_s=round(connected_s, 1),
        sent=sent,
        received=received,
        lost=lost,
        undelivered=undelivered,
        repeated=result.repeated,
        health_sent=reports,
        health_received=result.reports,
        messages_s=round((sent + reports) / seconds, 1),
        reconnected=sum(one.reconnected for one in sent_by),
        delivery_ms=Milliseconds.of(result.delivery_s),
        probe_ms=Milliseconds.of(result.probe_s),
        late_ms=Milliseconds.of(late),
        load=load,
        warnings=_warnings(load, late, result, lost),
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The value that ``share`` of all do not exceed, NaN of none."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan


def _warnings(load: Load, late: Sequence[float], result: ListenerResult, lost: int) -> tuple[str, ...]:
    found = []
    if load.busiest_process > BUSY_CORE:
        found.append(f"a process of devices used {load.busiest_process:.2f} cores: use more --processes")
    if load.listener > BUSY_CORE:
        found.append(f"the listener used {load.listener:.2f} cores: times include waiting for it")
    if percentile(late, 0.99) > LATE_S:
        found.append(
            "devices were late by more than a quarter of a second: this machine has too little processor time for them"
        )
    if load.broker is not None and load.broker < BUSY_CORE and percentile(result.probe_s, 0.99) > LATE_S:
        found.append(
            "the round trip of a message took more than a quarter of a second although the broker was idle most of the "
            "time: programs of this machine, or the network, made it wait, and times are not the broker's"
        )
    if lost > 0:
        found.append("events are lost where a subscriber is slower than the broker's max_queued_messages allows")
    if result.problem is not None:
        found.append(result.problem)
    return tuple(found)


def _format(times: Milliseconds) -> str:
    if math.isnan(times.p50):
        return "not measured"
    return f"p50 {times.p50:g} ms, p99 {times.p99:g} ms, max {times.max:g} ms"


def _finite(value: object) -> object:
    if isinstance(value, dict):
        return {name: _finite(inner) for name, inner in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value
