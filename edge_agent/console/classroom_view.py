"""What a subscriber knows of a classroom: the state behind the views of ``edge-agent watch`` and the demo."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from edge_agent.client import (
    Arrived,
    Device,
    DeviceState,
    Expression,
    Health,
    Notice,
    Removed,
    StateChanged,
    Status,
    Summary,
)
from edge_agent.protocol.messages import Message
from edge_agent.protocol.topics import EXPRESSION, STATUS

_EVENTS_KEPT = 20


@dataclass
class DeviceView:
    """One device, by its own messages.

    Attributes:
        session: The run the rest belongs to.
        state: Whether it is alive, by status messages and time.
        tracks: The latest expression message of every face that has not ended.
        summary: The latest window.
        health: The latest report.
        status: The latest birth.
        recent: The latest expression messages, newest first.
        events: Number of expression messages received.
    """

    session: str = ""
    state: DeviceState = DeviceState.UNKNOWN
    tracks: dict[str, Expression] = field(default_factory=dict)
    summary: Summary | None = None
    health: Health | None = None
    status: Status | None = None
    recent: deque[Expression] = field(default_factory=lambda: deque(maxlen=_EVENTS_KEPT))
    events: int = 0

    @property
    def faces_are_private(self) -> bool:
        """Whether the device publishes no single faces, as far as its messages tell."""
        if self.status is not None and isinstance(self.status.privacy_level, str):
            return self.status.privacy_level == "summary"
        if self.summary is not None and self.summary.approximate is True:
            return True
        # Devices that do not tell their level: of those who publish faces, one would have come with the figures.
        told = self.health is not None and EXPRESSION in self.health.last_seq
        return self.summary is not None and bool(self.summary.faces) and not self.events and not told


class ClassroomView:
    """Collects what the client reports.

    Attributes:
        devices: What is known of each device.
    """

    def __init__(self) -> None:
        self.devices: dict[Device, DeviceView] = {}

    def apply(self, notice: Notice) -> None:
        """Take one of the client's notices; messages of a session that another has followed are ignored."""
        if isinstance(notice, StateChanged):
            view = self._view(notice.device)
            view.state = notice.state
            if notice.state is DeviceState.OFFLINE:
                view.tracks.clear()
                view.summary = None
        elif isinstance(notice, Removed):
            known = self.devices.get(notice.device)
            if notice.topic == STATUS and known is not None and known.state is DeviceState.OFFLINE:
                self.devices[notice.device] = DeviceView()  # its next session may be smaller
        elif isinstance(notice, Arrived):
            self._take(self._view(notice.device), notice.message)

    def _view(self, device: Device) -> DeviceView:
        return self.devices.setdefault(device, DeviceView())

    def _take(self, view: DeviceView, message: Message) -> None:
        session = getattr(message, "session", "")
        if session < view.session:
            return
        if session > view.session:
            view.session = session
            view.tracks.clear()
            view.summary = None
        if isinstance(message, Expression):
            view.events += 1
            view.recent.appendleft(message)
            if message.kind == "end":
                view.tracks.pop(message.track, None)
            else:
                view.tracks[message.track] = message
        elif isinstance(message, Summary):
            view.summary = message
        elif isinstance(message, Health):
            view.health = message
        elif isinstance(message, Status) and message.state == "online":
            view.status = message
