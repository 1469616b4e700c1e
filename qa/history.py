"""How large a history grows, how fast charts come from it, and what recording costs.

- ``python -m qa.history fill FILE``: a year's database: 30 rooms, 180 school days of 8 hours, all of them with open
  cameras, windows of 5 s. The last week has full resolution, the days before are minutes. Prints its size.
- ``python -m qa.history charts FILE``: how long charts of a lesson, a day and the whole year take, query and drawing.
- ``python -m qa.history record FILE``: what recording 500 devices costs, in processor time of one core.

FILE may be the address of a PostgreSQL database, too. It must be new for ``fill``.
"""

from __future__ import annotations

import argparse
import random
import resource
import statistics
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

from dashboard.charts import lesson_chart
from dashboard.charts.lesson import step_for
from dashboard.history import History, Recorder, open_history, tens
from dashboard.history.packing import pack
from dashboard.history.retention import Retention, enforce
from dashboard.history.tables import health, markers, minutes
from edge_agent.client import Arrived, Dated, Device, Expression, Health, Summary
from edge_agent.clock import utc_text
from edge_agent.protocol.messages import CameraHealth, OutboxHealth, Status, decode, encode
from qa.argument_types import count, positive

LABELS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
_WINDOW_S = 5
_HEALTH_EVERY_S = 30
_COMMIT_EVERY_S = 300
"""A recorder commits each second; here, that would only take longer."""
_FULL_DAYS = 5
"""School days of a week."""


class _Times:
    def time_of(self, device: Device, message: Expression | Summary | Health) -> Dated:  # noqa: ARG002
        return Dated(datetime.fromisoformat(message.observed_at.replace("Z", "+00:00")), certain=True)


class _Room:
    """What a device of a class sends."""

    def __init__(self, number: int, draw: random.Random) -> None:
        self.device = Device("school", f"room-{number:03d}")
        self.session = f"{number:04d}A"
        self._draw, self._seq, self._mono_ms = draw, 0, 0

    def shares(self) -> dict[str, float]:
        """Shares that sum to 1."""
        drawn = [self._draw.expovariate(1.0) for _ in range(len(LABELS) + 1)]
        return {name: round(value / sum(drawn), 4) for name, value in zip((*LABELS, "uncertain"), drawn, strict=True)}

    def birth(self, at: float) -> Status:
        """Its status."""
        return Status(
            state="online", session=self.session, at=utc_text(at), clock_synced=True, labels=LABELS, room="3a"
        )

    def summary(self, at: float) -> Summary:
        """A window that ended at ``at``."""
        self._seq += 1
        return Summary(
            event_id=f"{self.device.id}/{self.session}/summary/{self._seq}",
            window_s=_WINDOW_S,
            faces=self._draw.randint(18, 28),
            shares=self.shares(),
            suppressed=False,
            observed_at=utc_text(at),
            mono_ms=self._seq * 5000,
            session=self.session,
            seq=self._seq,
            clock_synced=True,
            model="0123456789ab",
        )

    def health(self, at: float) -> Health:
        """A report."""
        self._mono_ms += 30_000
        return Health(
            fps=9.6,
            latency_ms={},
            camera=CameraHealth(state="ok"),
            frames_read=0,
            frames_dropped=0,
            temperature_c=51.5,
            outbox=OutboxHealth(storage="disk", pending=0, kept_bytes=0, lost=0),
            last_seq={},
            observed_at=utc_text(at),
            mono_ms=self._mono_ms,
            session=self.session,
            clock_synced=True,
        )


class _Clock:
    def __init__(self, at: float) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


def fill(place: str, rooms: int, days: int, hours: float) -> None:
    """Make a year's database, the way the recorder and retention would."""
    history = open_history(place)
    draw = random.Random(1)
    classes = [_Room(number, draw) for number in range(1, rooms + 1)]
    dates = _school_days(days)
    clock = _Clock(dates[0])
    recorder = Recorder(history, now=clock)
    for room in classes:
        recorder.take(Arrived(room.device, room.birth(clock.at), False, False), _Times())
        recorder.take(Arrived(room.device, room.summary(clock.at), False, False), _Times())
    _commit(recorder)
    for number, day in enumerate(dates[:-_FULL_DAYS]):
        _add_minutes(history, classes, day, hours)
        _say(f"day {number + 1} of {days}")
    for number, day in enumerate(dates[-_FULL_DAYS:]):
        for second in range(0, round(hours * 3600), _WINDOW_S):
            clock.at = day + second + _WINDOW_S
            for room in classes:
                recorder.take(Arrived(room.device, room.summary(clock.at), False, False), _Times())
                if second % _HEALTH_EVERY_S == 0:
                    recorder.take(Arrived(room.device, room.health(clock.at), False, False), _Times())
            if (second + _WINDOW_S) % _COMMIT_EVERY_S == 0:
                _commit(recorder)
        _commit(recorder)
        _say(f"day {days - _FULL_DAYS + number + 1} of {days}")
    for _ in enforce(history.database, Retention(), clock.at):
        pass
    with history.writing() as connection:
        for _ in tens.fill(connection):
            pass
    stored = history.stored()
    _say("")
    for name, kind in stored.kinds.items():
        print(f"{name:10}{kind.rows:>12,} rows")  # noqa: T201
    print(f"{stored.size_bytes / 1e6:.1f} MB for {rooms} rooms, {days} days of {hours:g} hours")  # noqa: T201
    history.close()


def charts(place: str) -> None:
    """Measure charts of a lesson, a day and everything."""
    history = open_history(place)
    device = history.rooms()[len(history.rooms()) // 2]
    kinds = history.stored().kinds
    newest, oldest = kinds["windows"].until, kinds["minutes"].since
    assert newest is not None
    assert oldest is not None
    spans = {
        "a lesson of this week": (newest - 3600, newest),
        "a lesson of an earlier month": (oldest + 86_400, oldest + 86_400 + 2700),
        "a day of this week": (newest - 8 * 3600, newest),
        "a day of an earlier month": (oldest + 86_400, oldest + 86_400 + 8 * 3600),
        "a month with this week in it": (newest - 30 * 86_400, newest),
        "a quarter": (newest - 91 * 86_400, newest),
        "everything": (oldest, newest),
    }
    print(f"{'':32}{'query':>10}{'drawing':>10}{'processor':>12}")  # noqa: T201
    for name, (start, end) in spans.items():
        queries, drawings, processor = [], [], []
        for _ in range(11):
            busy, began = time.process_time(), time.perf_counter()
            series = history.shares(device, start, end, step_for(start, end))
            found = history.markers(device, start, end)
            read = time.perf_counter()
            lesson_chart(series, found, start, end, zone=timezone.utc)
            drawn = time.perf_counter()
            queries.append(read - began)
            drawings.append(drawn - read)
            processor.append(time.process_time() - busy)
        cells = [1000 * statistics.median(values[1:]) for values in (queries, drawings, processor)]
        print(f"{name:32}{cells[0]:>7.0f} ms{cells[1]:>7.0f} ms{cells[2]:>9.0f} ms")  # noqa: T201
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    print(f"memory of the process: {peak_mb:.0f} MB at most")  # noqa: T201
    history.close()


def record(place: str, devices: int, seconds: int) -> None:
    """Measure what reading the messages of many devices and storing them takes."""
    history = open_history(place)
    draw = random.Random(1)
    classes = [_Room(number, draw) for number in range(1, devices + 1)]
    clock = _Clock(time.time())
    recorder = Recorder(history, now=clock)
    for room in classes:
        recorder.take(Arrived(room.device, room.birth(clock.at), False, False), _Times())
    _commit(recorder)
    began_at = clock.at
    busy, count = 0.0, 0
    for second in range(seconds):
        clock.at = began_at + second
        payloads: list[tuple[_Room, type[Summary | Health], bytes]] = []
        payloads += [(room, Summary, encode(room.summary(clock.at))) for room in classes[second % 5 :: 5]]
        payloads += [(room, Health, encode(room.health(clock.at))) for room in classes[second % 30 :: 30]]
        before = time.process_time()
        for room, kind, payload in payloads:
            recorder.take(Arrived(room.device, decode(payload, kind), False, False), _Times())
        _commit(recorder)
        busy += time.process_time() - before
        count += len(payloads)
    share = 100 * busy / seconds
    print(f"{devices} devices, {count / seconds:.0f} messages a second: {share:.1f} % of one core")  # noqa: T201
    history.close()


def _add_minutes(history: History, classes: list[_Room], day: float, hours: float) -> None:
    with history.writing() as connection:
        for number, room in enumerate(classes, start=1):
            first = round(day) // 60
            rows = [
                {
                    "device_id": number,
                    "minute": first + minute,
                    "open_ms": 60_000,
                    "suppressed_ms": 0,
                    "late_ms": 0,
                    "faces_ms": 60_000 * 20 + minute,
                    "label_set": 1,
                    "shares": pack(room.shares(), (*LABELS, "uncertain")),
                    "flags": 0,
                }
                for minute in range(round(hours * 60))
            ]
            connection.execute(minutes.insert(), rows)
            reports = [
                {
                    "device_id": number,
                    "at_ms": round(1000 * (day + 600 * place)),
                    "fps": 9.6,
                    "temperature_c": 51.5,
                    "pending": 0,
                    "camera": "ok",
                    "muted": 0,
                    "problems": "",
                }
                for place in range(round(hours * 6))
            ]
            connection.execute(health.insert(), reports)
            happened = [
                {
                    "device_id": number,
                    "at_ms": round(1000 * (day + 3600 * place)),
                    "kind": kind,
                    "text": "",
                    "source": "",
                }
                for place, kind in enumerate(("online", "muted", "unmuted", "camera", "offline"))
            ]
            connection.execute(markers.insert(), happened)


def _school_days(count: int) -> list[float]:
    """The last school days before now, at eight in the morning."""
    day = datetime.now(timezone.utc).replace(hour=8, minute=0, second=0, microsecond=0) - timedelta(days=1)
    days: list[float] = []
    while len(days) < count:
        if day.weekday() < 5:
            days.append(day.timestamp())
        day -= timedelta(days=1)
    return days[::-1]


def _commit(recorder: Recorder) -> None:
    if not recorder.commit():
        raise SystemExit(recorder.problem)


def _say(progress: str) -> None:
    sys.stderr.write(f"\r{progress:40}\r")


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("fill", "charts", "record"))
    parser.add_argument("place")
    parser.add_argument("--rooms", type=count, default=30)
    parser.add_argument("--days", type=count, default=180)
    parser.add_argument("--hours", type=positive, default=8.0)
    parser.add_argument("--devices", type=count, default=500)
    parser.add_argument("--seconds", type=count, default=60)
    given = parser.parse_args()
    commands: dict[str, Callable[[], None]] = {
        "fill": lambda: fill(given.place, given.rooms, given.days, given.hours),
        "charts": lambda: charts(given.place),
        "record": lambda: record(given.place, given.devices, given.seconds),
    }
    commands[given.command]()


if __name__ == "__main__":
    main()
