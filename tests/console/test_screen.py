"""The view fits every terminal, says what is private, and cannot be steered by what it shows."""

from __future__ import annotations

import re
from typing import Any

import pytest
from rich.cells import cell_len
from rich.text import Text

from edge_agent.client import Arrived, Device, DeviceState, Expression, Health, StateChanged, Status, Summary
from edge_agent.console.classroom_view import ClassroomView, DeviceView
from edge_agent.console.screen import draw_screen
from edge_agent.console.wording import EXPLANATION, PRIVATE, count, speed
from edge_agent.protocol.messages import CameraHealth, OutboxHealth, Percentiles

DEVICE = Device("north-school", "pi-3a")
FOOTER = [
    Text("Any other client can listen too:  mosquitto_sub -h 127.0.0.1 -p 43715 -V mqttv311 -v -t 'a/#'"),
    Text("Ctrl-C"),
]
COMMON: dict[str, Any] = {
    "observed_at": "2026-11-22T09:00:00.000Z",
    "mono_ms": 1,
    "session": "B",
    "clock_synced": True,
}


def face(track: str, expression: str = "surprise", seq: int = 1) -> Expression:
    return Expression(
        event_id="x",
        kind="start",
        track=track,
        expression=expression,
        confidence=0.8,
        scores={},
        previous=None,
        held_s=0.0,
        seq=seq,
        model="9f86d081884c",
        **COMMON,
    )


def summary(faces: int | None = 5, **more: Any) -> Summary:
    shares = None if faces is None else {"happy": 0.6, "neutral": 0.4}
    told: dict[str, Any] = {"faces": faces, "shares": shares, "suppressed": faces is None}
    return Summary(event_id="s", window_s=5.0, seq=1, model="9f86d081884c", **told | COMMON | more)


def health(**more: Any) -> Health:
    told: dict[str, Any] = (
        {
            "fps": 9.7,
            "latency_ms": {"total": Percentiles(p50=80.0, p95=120.0)},
            "camera": CameraHealth(state="ok"),
            "frames_read": 1,
            "frames_dropped": 0,
            "outbox": OutboxHealth(storage="disk", pending=0, kept_bytes=0, lost=0),
            "last_seq": {},
            "problems": ("throttled", "frame_rate_reduced", "outbox_degraded"),
        }
        | COMMON
        | more
    )
    return Health(**told)


def classroom(*messages: Any, devices: int = 1) -> ClassroomView:
    view = ClassroomView()
    for number in range(devices):
        device = DEVICE if devices == 1 else Device("north-school", f"pi-{number:03}")
        view.apply(StateChanged(device, DeviceState.ONLINE, ""))
        for message in messages:
            view.apply(Arrived(device, message, late=False, retained=False))
    return view


def lines(view: ClassroomView, width: int = 80, height: int = 24) -> list[str]:
    return [line.plain for line in draw_screen(view, width, height, FOOTER)]


@pytest.mark.parametrize("devices", [0, 1, 2, 7, 60])
@pytest.mark.parametrize("faces", [0, 1, 12, 40])
def test_every_size_of_terminal_holds_all_lines_and_shows_the_footer(faces: int, devices: int) -> None:
    events = [face(f"t{number:03}") for number in range(faces)]
    view = classroom(*events, summary(faces), health(), devices=devices)
    for width in (20, 40, 60, 80, 119, 120, 200):
        for height in (3, 8, 15, 16, 24, 60):
            shown = lines(view, width, height)
            assert len(shown) == height
            assert max(map(cell_len, shown)) <= width
            assert shown[-1] == "Ctrl-C"


def test_twelve_faces_and_the_class_fit_the_smallest_usual_terminal() -> None:
    shown = lines(classroom(*[face(f"t{number:03}") for number in range(12)], summary(12), health()))
    assert [line[:4] for line in shown if line.startswith("t0")] == [f"t{number:03}" for number in range(12)]
    assert any(line.startswith("the class: 12 faces over 5 s: happy 60%, neutral 40%") for line in shown)
    assert any("9.7 fps" in line for line in shown)
    assert " ".join(shown).count("is random and means nothing") == 1


def test_a_narrow_terminal_has_fewer_columns() -> None:
    view = classroom(face("k7q2"))
    by_width = {width: next(line for line in lines(view, width) if line.startswith("k7q2")) for width in (80, 40, 24)}
    assert all(word in by_width[80] for word in ("surprise", "█", "80%", "since 09:00:00"))
    assert "█" not in by_width[40]
    assert "80%" in by_width[40]
    assert by_width[24].split() == ["k7q2", "surprise", "80%"]


def test_faces_that_have_no_room_are_counted() -> None:
    shown = lines(classroom(*[face(f"t{number:03}") for number in range(40)], summary(40), health()))
    listed = sum(line.startswith("t0") for line in shown)
    assert f"… and {40 - listed} more faces" in shown


@pytest.mark.parametrize(
    "messages",
    [
        (Status(state="online", session="B", privacy_level="summary"), summary(5)),
        (summary(5, approximate=True),),
        (summary(5), health(last_seq={"summary": 3})),
    ],
)
def test_where_single_faces_are_private_it_says_so_and_counts_from_the_summary(messages: tuple[Any, ...]) -> None:
    for width in (60, 80, 200):
        shown = lines(classroom(*messages), width)
        assert PRIVATE in [line.partition("    ")[0].rstrip() for line in shown]
        assert "5 faces present" in shown[0]
        assert not any("0 faces" in line or "event" in line for line in shown)
        assert EXPLANATION not in " ".join(shown)


def test_a_device_that_publishes_faces_is_not_called_private_before_its_first_face() -> None:
    shown = lines(classroom(Status(state="online", session="B", privacy_level="faces"), summary(2)))
    assert "0 faces present" in shown[0]
    assert PRIVATE not in shown


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (summary(None), "suppressed: too few faces"),
        (summary(None, approximate=True), "suppressed: too few faces, or too soon"),
        (summary(None, muted=True), "the camera is closed"),
    ],
)
def test_why_there_are_no_figures_is_said(told: Summary, reason: str) -> None:
    shown = lines(classroom(Status(state="online", session="B", privacy_level="summary"), told))
    assert f"the class ({reason})" in shown


def test_approximate_figures_are_said_to_be_so() -> None:
    shown = lines(classroom(summary(21, approximate=True)))
    assert "about 21 faces present" in shown[0]
    assert any(line.startswith("the class: about 21 faces in the last minutes") for line in shown)


def test_a_device_that_has_left_shows_no_figures() -> None:
    view = classroom(face("k7q2"), summary(5), health())
    view.apply(StateChanged(DEVICE, DeviceState.OFFLINE, "stopped"))
    assert "the class (no summary yet)" in lines(view)


def test_what_the_network_says_cannot_steer_the_terminal() -> None:
    evil = "\x1b]0;x\x07\x1b[2J\n" + "x" * 500
    view = ClassroomView()
    for message in (
        face(evil, evil),
        summary(5, shares={evil: 0.5, "happy": 0.5}),
        health(camera=CameraHealth(state=evil), problems=(evil,)),
    ):
        view.apply(Arrived(Device(evil, evil), message, late=False, retained=False))
    for width in (40, 80, 200):
        shown = lines(view, width)
        assert len(shown) == 24
        assert all(line.isprintable() and cell_len(line) <= width for line in shown)


@pytest.mark.parametrize("huge", [1e308, -1e308, 1e15])
def test_a_number_beyond_all_bounds_is_short(huge: float) -> None:
    latency = {"total": Percentiles(p50=huge, p95=huge)}
    said = speed(DeviceView(health=health(fps=huge, latency_ms=latency)))
    assert not re.search(r"\d{9}", said)
    assert len(count(10**5000, "face")) < 20
