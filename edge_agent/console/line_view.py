"""What devices publish as lines of text or JSON, for pipes, files and other programs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

import msgspec

from edge_agent.client import (
    Arrived,
    BrokerChanged,
    Denied,
    DeviceState,
    Expression,
    Health,
    Notice,
    Reply,
    StateChanged,
    Status,
    Summary,
    Unreadable,
)
from edge_agent.console.classroom_view import ClassroomView
from edge_agent.console.wording import change_in_words, class_title, plain, shares_in_words, speed

_TOPICS = {Expression: "expression", Summary: "summary", Health: "health", Status: "status", Reply: "reply"}

_REASON: Final = 800
"""Characters of a reason: it says at its end what to do."""


class LineView:
    """Writes a line for each of the client's notices.

    Args:
        write: Takes a line.
        as_json: Whether each line is a JSON object.
    """

    def __init__(self, write: Callable[[str], None], *, as_json: bool = False) -> None:
        self._write, self._as_json = write, as_json
        self._classroom = ClassroomView()

    def apply(self, notice: Notice) -> None:
        """Take one of the client's notices."""
        self._classroom.apply(notice)
        if self._as_json:
            self._write(json.dumps(as_object(notice), ensure_ascii=False))
        elif line := self._line(notice):
            self._write(line)

    def _line(self, notice: Notice) -> str:
        if isinstance(notice, BrokerChanged):
            return "broker: connected" if notice.connected else f"broker: {plain(notice.reason, _REASON)}"
        if isinstance(notice, Unreadable | Denied):
            return f"{plain(notice.topic, _REASON)}: {plain(notice.reason, _REASON)}"
        who = f"{plain(notice.device.site)}/{plain(notice.device.id)}"
        if isinstance(notice, StateChanged):
            return f"{who} {notice.state.value}" + (f": {plain(notice.reason)}" if notice.reason else "")
        if not isinstance(notice, Arrived):
            return ""
        message, late = notice.message, " (late)" if notice.late else ""
        if isinstance(message, Expression):
            said = f"{plain(message.track)} {message.kind} {change_in_words(message)} {message.confidence:.0%}"
            return f"{_time(message.observed_at)} {who} {said}{late}"
        if isinstance(message, Summary):
            shares = f": {shares_in_words(message.shares)}" if message.shares else ""
            return f"{_time(message.observed_at)} {who} {class_title(message)}{shares}{late}"
        if isinstance(message, Health):
            return f"{_time(message.observed_at)} {who} {speed(self._classroom.devices[notice.device])}"
        return ""


def as_object(notice: Notice) -> dict[str, Any]:
    """A notice as an object of JSON: its kind under ``notice``, and a message as it was published."""
    kind = type(notice).__name__
    if isinstance(notice, Arrived):
        site, device = notice.device
        return {
            "notice": kind,
            "site": site,
            "device": device,
            "topic": _TOPICS[type(notice.message)],
            "late": notice.late,
            "retained": notice.retained,
            "message": msgspec.to_builtins(notice.message),
        }
    fields: dict[str, Any] = {"notice": kind}
    for name in notice.__dataclass_fields__:
        value = getattr(notice, name)
        if name == "device":
            fields |= {"site": value.site, "device": value.id}
        else:
            fields[name] = value.value if isinstance(value, DeviceState) else value
    return fields


def _time(moment: str) -> str:
    return plain(moment[11:19])
