"""What the live view makes of messages."""

from __future__ import annotations

from typing import Any, Literal

from edge_agent.client import Arrived, Device, DeviceState, Expression, Removed, StateChanged, Summary
from edge_agent.console.classroom_view import ClassroomView
from edge_agent.console.screen import draw_screen

DEVICE = Device("north", "pi-3a")


def event(kind: Literal["start", "change", "end"], track: str, expression: str, session: str = "B") -> Expression:
    return Expression(
        event_id="x",
        kind=kind,
        track=track,
        expression=expression,
        confidence=0.8,
        scores={expression: 0.8},
        previous=None,
        held_s=0.0,
        observed_at="2026-11-22T09:00:00.000Z",
        mono_ms=1,
        session=session,
        seq=1,
        clock_synced=True,
        model="9f86d081884c",
    )


def drawn(view: ClassroomView) -> str:
    return "\n".join(line.plain for line in draw_screen(view, 120, 30, []))


def shown(*messages: Any) -> str:
    view = ClassroomView()
    for message in messages:
        notice = message if isinstance(message, StateChanged) else Arrived(DEVICE, message, late=False, retained=False)
        view.apply(notice)
    return drawn(view)


def test_a_face_is_shown_from_its_start_to_its_end() -> None:
    start, change, end = event("start", "k7q2", "happy"), event("change", "k7q2", "sad"), event("end", "k7q2", "sad")
    assert "1 face present" in shown(start, change)
    assert "0 faces present" in shown(start, change, end)


def test_a_new_session_clears_what_the_old_one_showed() -> None:
    assert "1 face present" in shown(event("start", "a", "happy", "A"), event("start", "b", "sad", "B"))


def test_a_message_of_an_old_session_changes_nothing() -> None:
    text = shown(event("start", "b", "sad", "B"), event("end", "b", "sad", "A"))
    assert "1 face present" in text


def test_a_device_that_died_shows_nobody() -> None:
    text = shown(event("start", "b", "sad"), StateChanged(DEVICE, DeviceState.OFFLINE, "stopped"))
    assert "offline" in text
    assert "0 faces present" in text


def test_a_suppressed_summary_is_said_to_be_so() -> None:
    summary = Summary(
        event_id="s",
        window_s=5.0,
        faces=None,
        shares=None,
        suppressed=True,
        observed_at="2026-11-22T09:00:00.000Z",
        mono_ms=1,
        session="B",
        seq=1,
        clock_synced=True,
        model="9f86d081884c",
    )
    assert "suppressed" in shown(summary)


def test_before_any_device_spoke_the_view_waits() -> None:
    assert "waiting for a device" in drawn(ClassroomView())


def test_a_device_that_is_away_and_has_no_status_any_more_may_begin_a_smaller_session() -> None:
    view = ClassroomView()
    view.apply(Removed(DEVICE, "status"))
    assert not view.devices
    view.apply(Arrived(DEVICE, event("start", "a", "happy", session="Z"), late=False, retained=False))
    view.apply(StateChanged(DEVICE, DeviceState.OFFLINE, "stopped"))
    view.apply(Removed(DEVICE, "status"))
    view.apply(Arrived(DEVICE, event("start", "b", "happy", session="B"), late=False, retained=False))
    assert set(view.devices[DEVICE].tracks) == {"b"}
