"""What the page costs and how fast it is, with many rooms and browsers: ``python -m qa.page_load``.

A real Mosquitto, the page as a process of its own, rooms that publish a summary every five seconds, and browsers that
hold the page's stream open. For comparison, the same number of browsers fetches the page every second, as dashboards
do that poll. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import gzip
import http.client
import json
import random
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from dashboard.web.ids import element_id
from edge_agent.client import Device
from edge_agent.clock import utc_text
from edge_agent.protocol.messages import CameraHealth, Health, OutboxHealth, Status, Summary, encode
from edge_agent.system.process_memory import resident_mb
from fleet.loadtest.local_broker import HOST, local_broker
from fleet.loadtest.processor import process_seconds
from qa.argument_types import count, positive
from tests.support.chromium import chromium_path, running_chromium

_WINDOW_S = 5.0
_PORT = 8490
_SETTLE_S = 6.0
_PEOPLE = re.compile(rb'id=\\"(card-[0-9a-f]+)\\".*?<strong>(\d+)</strong>', re.DOTALL)
_LABELS = ("happy", "surprise", "neutral", "sad", "fear", "angry", "disgust")
_SESSION = "01M81KPPFC0N5QFR"
_GZIP = {"Accept-Encoding": "gzip"}


@dataclass
class Delays:
    """When each figure was sent, and how long it took to each browser."""

    sent: dict[tuple[str, int], float] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    measuring: bool = False

    def seen(self, card: str, people: int) -> None:
        """A browser has received a card."""
        at = self.sent.get((card, people))
        if at is not None and self.measuring:
            self.seconds.append(time.monotonic() - at)


class Rooms(threading.Thread):
    """Rooms whose figures change with every window, one after the other over the window's length."""

    def __init__(self, port: int, number: int, delays: Delays) -> None:
        super().__init__(daemon=True)
        self._devices = [Device("school", f"pi-{place}") for place in range(number)]
        self._delays, self.ending = delays, threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        self._client.connect(HOST, port)
        self._client.loop_start()

    def run(self) -> None:
        """Publish until told to end."""
        for place, device in enumerate(self._devices):
            born = Status(state="online", session=_SESSION, room=f"Room {place + 1}", labels=_LABELS, version="0")
            self._send(device, "status", encode(born))
            self._send(device, "health", encode(_health()))
        seq, draw = 0, random.Random(1)
        while not self.ending.is_set():
            seq += 1
            for device in self._devices:
                people = 10 + seq % 900
                self._delays.sent[element_id("card", device), people] = time.monotonic()
                self._send(device, "summary", encode(_summary(device, seq, people, draw)))
                self.ending.wait(_WINDOW_S / len(self._devices))
        self._client.disconnect()
        self._client.loop_stop()

    def _send(self, device: Device, name: str, payload: bytes) -> None:
        self._client.publish(f"classroom/v1/{device.site}/{device.id}/{name}", payload, qos=1, retain=name == "status")


class StreamingBrowser(threading.Thread):
    """Holds the page's stream open, as an open page does."""

    def __init__(self, port: int, delays: Delays) -> None:
        super().__init__(daemon=True)
        self._port, self._delays, self.ending = port, delays, threading.Event()

    def run(self) -> None:
        """Read the stream until told to end."""
        connection = http.client.HTTPConnection(HOST, self._port, timeout=30)
        connection.request("GET", "/events?view=school")
        answer = connection.getresponse()
        state_of_then = True
        while not self.ending.is_set():
            line = answer.readline()
            if state_of_then:  # the first message has figures from before this browser came
                state_of_then = not line.startswith(b"data:")
                continue
            for card, people in _PEOPLE.findall(line):
                self._delays.seen(card.decode(), int(people))
        connection.close()


class PollingBrowser(threading.Thread):
    """Fetches the page every second."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self._port, self.ending = port, threading.Event()

    def run(self) -> None:
        """Fetch until told to end."""
        connection = http.client.HTTPConnection(HOST, self._port, timeout=30)
        due = time.monotonic() + random.random()
        while not self.ending.wait(max(0.0, due - time.monotonic())):
            due += 1.0
            connection.request("GET", "/", headers=_GZIP)
            connection.getresponse().read()
        connection.close()


def main(arguments: Sequence[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rooms", type=count, default=30)
    parser.add_argument("--browsers", type=count, default=10)
    parser.add_argument("--seconds", type=positive, default=60.0, help="of each of the three measurements")
    chosen = parser.parse_args(arguments)
    with ExitStack() as parts:
        folder = Path(parts.enter_context(tempfile.TemporaryDirectory()))
        broker = parts.enter_context(local_broker(folder, "allow_anonymous true\nmax_queued_messages 100000\n"))
        process, port = parts.enter_context(_page(folder, broker.port))
        delays = Delays()
        rooms = Rooms(broker.port, chosen.rooms, delays)
        rooms.start()
        time.sleep(_SETTLE_S)
        idle_mb = _resident_mb(process.pid)
        alone = _processor_share(process.pid, chosen.seconds)
        delays.measuring = True
        streaming = _with_browsers(
            [StreamingBrowser(port, delays) for _ in range(chosen.browsers)], process.pid, chosen.seconds
        )
        delays.measuring = False
        polling = _with_browsers([PollingBrowser(port) for _ in range(chosen.browsers)], process.pid, chosen.seconds)
        weight, paint = _weight(port), _first_paint_ms(port)
        _fetch(port, "/room/school/pi-0")
        charts_mb = _resident_mb(process.pid)
        rooms.ending.set()
        rooms.join()
    milliseconds = sorted(1000 * second for second in delays.seconds)
    report = {
        "rooms": chosen.rooms,
        "browsers": chosen.browsers,
        "changes_seen": len(milliseconds),
        "change_to_page_ms": {
            "p50": round(statistics.median(milliseconds), 1),
            "p95": round(milliseconds[int(0.95 * len(milliseconds))], 1),
        },
        "processor_s_a_minute": {
            "without_browsers": round(60 * alone, 3),
            "a_streaming_browser": round(60 * (streaming - alone) / chosen.browsers, 3),
            "a_polling_browser": round(60 * (polling - alone) / chosen.browsers, 3),
        },
        "streaming_part_of_polling": round(max(0.0, streaming - alone) / max(1e-9, polling - alone), 3),
        "idle_memory_mb": idle_mb,
        "memory_after_a_chart_mb": charts_mb,
        "weight_kb": weight,
        "first_paint_ms": paint,
    }
    sys.stdout.write(json.dumps(report, indent=2) + "\n")


@contextmanager
def _page(folder: Path, broker_port: int) -> Iterator[tuple[subprocess.Popen[str], int]]:
    settings = folder / "dashboard.toml"
    settings.write_text(
        f'[broker]\nhost = "{HOST}"\nport = {broker_port}\n'
        f'[page]\nport = {_PORT}\n[store]\nplace = "{folder}/page.db"\n'
    )
    command = [sys.executable, "-m", "edge_agent.cli", "dashboard", "--config", str(settings)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "http://" in line:
                break
        try:
            yield process, _PORT
        finally:
            process.terminate()


def _with_browsers(browsers: Sequence[StreamingBrowser | PollingBrowser], pid: int, seconds: float) -> float:
    """Part of a core that the process uses while these browsers are open."""
    for browser in browsers:
        browser.start()
    time.sleep(_SETTLE_S)
    share = _processor_share(pid, seconds)
    for browser in browsers:
        browser.ending.set()
    for browser in browsers:
        browser.join(2 * _WINDOW_S)
    time.sleep(1.0)
    return share


def _processor_share(pid: int, seconds: float) -> float:
    before, begun = process_seconds(pid), time.monotonic()
    time.sleep(seconds)
    return (process_seconds(pid) - before) / (time.monotonic() - begun)


def _resident_mb(pid: int) -> float:
    found = resident_mb(pid)
    assert found is not None
    return found


def _weight(port: int) -> float:
    """The page of the school with all that it loads, compressed, in kilobytes."""
    total = 0
    for path in ("/", "/static/page.css", "/static/page.js", "/static/icons.svg", "/static/icon.svg"):
        body = _fetch(port, path)
        total += len(body) if body[:2] == b"\x1f\x8b" else len(gzip.compress(body))
    return round(total / 1000, 1)


def _fetch(port: int, path: str) -> bytes:
    connection = http.client.HTTPConnection(HOST, port, timeout=60)
    connection.request("GET", path, headers=_GZIP)
    body = connection.getresponse().read()
    connection.close()
    return body


def _first_paint_ms(port: int) -> float | None:
    """Until Chromium shows something, from nothing in its cache, the median of five; ``None`` without Chromium."""
    if chromium_path() is None:
        return None
    found: list[float] = []
    with running_chromium() as browser:
        for _ in range(5):
            context = browser.new_context()
            tab = context.new_page()
            tab.goto(f"http://{HOST}:{port}/")
            tab.wait_for_function("performance.getEntriesByName('first-contentful-paint').length > 0")
            found.append(tab.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"))
            context.close()
    return round(statistics.median(found), 1)


def _summary(device: Device, seq: int, people: int, draw: random.Random) -> Summary:
    drawn = [draw.random() for _ in range(len(_LABELS) + 1)]
    shares = {name: round(part / sum(drawn), 4) for name, part in zip((*_LABELS, "uncertain"), drawn, strict=True)}
    return Summary(
        event_id=f"{device.id}/{_SESSION}/summary/{seq}",
        window_s=_WINDOW_S,
        faces=people,
        shares=shares,
        suppressed=False,
        observed_at=utc_text(time.time()),
        mono_ms=seq * 5000,
        session=_SESSION,
        seq=seq,
        clock_synced=True,
        model="0123456789ab",
    )


def _health() -> Health:
    return Health(
        fps=10.0,
        latency_ms={},
        camera=CameraHealth(state="ok"),
        frames_read=100,
        frames_dropped=0,
        outbox=OutboxHealth(storage="disk", pending=0, kept_bytes=0, lost=0),
        last_seq={},
        observed_at=utc_text(time.time()),
        mono_ms=1,
        session=_SESSION,
        clock_synced=True,
    )


if __name__ == "__main__":
    main(sys.argv[1:])
