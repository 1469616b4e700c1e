"""Piped, the view is lines; with --json each is an object."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from edge_agent.client import (
    Arrived,
    BrokerChanged,
    Denied,
    Device,
    DeviceState,
    Missing,
    Notice,
    StateChanged,
    Unreadable,
)
from edge_agent.console.line_view import LineView
from edge_agent.device.messenger import Messenger
from tests.console.test_screen import face, health, summary
from tests.support.broker import Mosquitto, wait_until
from tests.support.messaging import mosquitto, settings_for, start_messenger
from tests.support.samples import a_change, a_window

DEVICE = Device("north", "pi-3a")
__all__ = ["mosquitto", "start_messenger"]
NOTICES: list[Notice] = [
    BrokerChanged(connected=True, reason=""),
    StateChanged(DEVICE, DeviceState.ONLINE, ""),
    Arrived(DEVICE, face("k7q2", "happy"), late=True, retained=False),
    Arrived(DEVICE, summary(5), late=False, retained=False),
    Arrived(DEVICE, health(problems=()), late=False, retained=True),
    Missing(DEVICE, "B", "summary", 2, 4),
    Unreadable("classroom/v1/north/pi-3a/summary", "no JSON\x1b[2J"),
    Denied("classroom/v1/north/pi-3a/command", "not authorized"),
    StateChanged(DEVICE, DeviceState.OFFLINE, "stopped"),
]


def test_why_there_is_no_connection_is_said_to_the_end_with_what_to_do() -> None:
    reason = "broker pi:8883 refuses the connection: got its certificate: expired on 2026-11-26. Renew it " + "x" * 300
    lines: list[str] = []
    for notice in (BrokerChanged(connected=False, reason=reason), Unreadable("a/b", reason), Denied("a/b", reason)):
        LineView(lines.append).apply(notice)
    assert lines == [f"broker: {reason}", f"a/b: {reason}", f"a/b: {reason}"]


def test_every_notice_is_a_line_for_a_person() -> None:
    lines: list[str] = []
    view = LineView(lines.append)
    for notice in NOTICES:
        view.apply(notice)
    assert lines == [
        "broker: connected",
        "north/pi-3a online",
        "09:00:00 north/pi-3a k7q2 start happy 80% (late)",
        "09:00:00 north/pi-3a the class: 5 faces over 5 s: happy 60%, neutral 40%",
        "09:00:00 north/pi-3a 9.7 fps · latency 80 ms (p95 120) · camera ok",
        "classroom/v1/north/pi-3a/summary: no JSON?[2J",
        "classroom/v1/north/pi-3a/command: not authorized",
        "north/pi-3a offline: stopped",
    ]


def test_every_notice_is_an_object_for_a_program() -> None:
    lines: list[str] = []
    view = LineView(lines.append, as_json=True)
    for notice in NOTICES:
        view.apply(notice)
    objects = [json.loads(line) for line in lines]
    assert [one["notice"] for one in objects] == [type(notice).__name__ for notice in NOTICES]
    assert objects[2]["topic"] == "expression"
    assert objects[2]["late"] is True
    assert objects[2]["message"]["track"] == "k7q2"
    assert objects[5] == {
        "notice": "Missing",
        "site": "north",
        "device": "pi-3a",
        "session": "B",
        "topic": "summary",
        "first": 2,
        "last": 4,
    }
    assert all("\n" not in line for line in lines)


def test_piped_watch_prints_lines_and_ends_with_its_reader(
    mosquitto: Mosquitto, start_messenger: Callable[..., Messenger], tmp_path: Path
) -> None:
    messenger = start_messenger(settings_for(mosquitto.port, tmp_path))
    command = [sys.executable, "-m", "edge_agent.cli", "watch", "--host", "127.0.0.1", "--port", str(mosquitto.port)]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as lines,
        subprocess.Popen([*command, "--json"], stdout=subprocess.PIPE, text=True) as objects,
    ):
        assert lines.stdout is not None
        assert objects.stdout is not None
        assert lines.stdout.readline() == "broker: connected\n"
        assert json.loads(objects.stdout.readline())["notice"] == "BrokerChanged"
        messenger.expression(a_change("happy"))
        messenger.summary(a_window())
        wait_until(lambda: "happy" in (lines.stdout or sys.stdin).readline(), 60, "the event as a line")
        found: list[dict[str, object]] = []
        while not any(one.get("topic") == "summary" for one in found):
            found.append(json.loads(objects.stdout.readline()))
        lines.stdout.close()
        objects.stdout.close()
        messenger.expression(a_change("sad"))
        wait_until(lambda: lines.poll() is not None and objects.poll() is not None, 60, "the end of both")
        assert (lines.returncode, objects.returncode) == (0, 0)
