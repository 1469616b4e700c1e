"""What a subscriber knows of a classroom, drawn on a terminal: the view of ``edge-agent watch`` and the demo."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from edge_agent.client import Arrived, Device, DeviceState, Expression, Health, Notice, StateChanged, Summary
from edge_agent.model_format.labels import UNCERTAIN
from edge_agent.protocol.messages import Message

_COLOURS = {
    "angry": "red",
    "disgust": "green",
    "fear": "magenta",
    "happy": "yellow",
    "sad": "blue",
    "surprise": "cyan",
    "neutral": "white",
    "contempt": "bright_red",
    UNCERTAIN: "bright_black",
}
_EVENTS_SHOWN = 6
_BAR_WIDTH = 24


@dataclass
class DeviceView:
    """One device, by its own messages.

    Attributes:
        session: The run the rest belongs to.
        state: Whether it is alive, by status messages and time.
        tracks: The latest expression message of every face that has not ended.
        summary: The latest window.
        health: The latest report.
        recent: The latest expression messages, newest first.
        events: Number of expression messages received.
    """

    session: str = ""
    state: DeviceState = DeviceState.UNKNOWN
    tracks: dict[str, Expression] = field(default_factory=dict)
    summary: Summary | None = None
    health: Health | None = None
    recent: deque[Expression] = field(default_factory=lambda: deque(maxlen=_EVENTS_SHOWN))
    events: int = 0


class ClassroomView:
    """Collects what the client reports and draws it."""

    def __init__(self) -> None:
        self.devices: dict[Device, DeviceView] = {}

    def apply(self, notice: Notice) -> None:
        """Take one of the client's notices; messages of a session that another has followed are ignored."""
        if isinstance(notice, StateChanged):
            view = self._view(notice.device)
            view.state = notice.state
            if notice.state is DeviceState.OFFLINE:
                view.tracks.clear()
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

    def as_renderable(self) -> RenderableType:
        """The whole view as something a rich console can print."""
        if not self.devices:
            return Panel("waiting for a device ...", title="edge-agent watch")
        return Group(*(_device_panel(device, view) for device, view in sorted(self.devices.items())))


def _device_panel(device: Device, view: DeviceView) -> Panel:
    columns = Table.grid(expand=True, padding=(0, 2))
    columns.add_column(ratio=3)
    columns.add_column(ratio=2)
    columns.add_row(_tracks_table(view), Group(_class_table(view), Text(), _recent_table(view)))
    colour = {DeviceState.ONLINE: "green", DeviceState.OFFLINE: "red"}.get(view.state, "yellow")
    title = Text.assemble((f"{device.site}/{device.id} ", "bold"), (view.state.value, colour))
    return Panel(columns, title=title, subtitle=_speed(view), border_style=colour)


def _tracks_table(view: DeviceView) -> Table:
    table = Table(
        title=_count(len(view.tracks), "face") + " present", title_justify="left", expand=True, box=None, padding=(0, 1)
    )
    table.add_column("face", style="dim")
    table.add_column("expression")
    table.add_column("confidence", ratio=1)
    table.add_column("since", justify="right", style="dim")
    for track, message in sorted(view.tracks.items()):
        colour = _COLOURS.get(message.expression, "white")
        filled = round(message.confidence * _BAR_WIDTH)
        table.add_row(
            track,
            Text(message.expression, colour),
            Text.assemble(
                ("█" * filled, colour), ("░" * (_BAR_WIDTH - filled), "bright_black"), f" {message.confidence:.0%}"
            ),
            message.observed_at[11:19],
        )
    return table


def _class_table(view: DeviceView) -> Table:
    """The class by the latest summary message; counted from the faces shown where none came yet."""
    table = Table(title="the class", title_justify="left", expand=True, box=None, padding=(0, 1))
    table.add_column("expression")
    table.add_column("share", ratio=1)
    if view.summary is None or view.summary.shares is None:
        counts = Counter(message.expression for message in view.tracks.values())
        reason = _why_without_figures(view.summary)
        table.title = f"the class ({reason})"
        shares = {} if view.summary is not None else {name: count / counts.total() for name, count in counts.items()}
    else:
        shares = view.summary.shares
        table.title = f"the class: {_count(view.summary.faces or 0, 'face')} over {view.summary.window_s:g} s"
    for expression, share in sorted(shares.items(), key=lambda item: -item[1]):
        colour = _COLOURS.get(expression, "white")
        table.add_row(Text(expression, colour), Text("█" * max(1, round(share * 16)) + f" {share:.0%}", colour))
    return table


def _recent_table(view: DeviceView) -> Table:
    table = Table(title=_count(view.events, "event"), title_justify="left", box=None, padding=(0, 1), show_header=False)
    for message in view.recent:
        arrow = f"{message.previous} → {message.expression}" if message.kind == "change" else message.expression
        table.add_row(
            Text(message.observed_at[11:19], "dim"),
            message.kind,
            message.track,
            Text(arrow, _COLOURS.get(message.expression, "white")),
        )
    return table


def _speed(view: DeviceView) -> Text:
    if view.health is None:
        return Text("no health report yet", "dim")
    latency = view.health.latency_ms.get("total")
    words = [f"{view.health.fps:.1f} fps", f"camera {view.health.camera.state}"]
    if latency is not None:
        words.insert(1, f"latency {latency.p50:.0f} ms (p95 {latency.p95:.0f})")
    if view.health.problems:
        words.append("problems: " + ", ".join(view.health.problems))
    return Text("  ·  ".join(words), "dim")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _why_without_figures(summary: Summary | None) -> str:
    if summary is None:
        return "no summary yet"
    return "the camera is closed" if summary.muted is True else "suppressed: too few faces"
