"""The live view of ``edge-agent watch``: what devices publish, as any subscriber sees it."""

from __future__ import annotations

import threading

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from edge_agent.addresses.masking import shown_host
from edge_agent.client import Notice
from edge_agent.client.follower import Follower
from edge_agent.config import MqttSettings
from edge_agent.console.classroom_view import ClassroomView

_REDRAW_S = 0.25


class LiveView:
    """Draws the classrooms on the terminal while messages come in on another thread."""

    def __init__(self) -> None:
        self._view, self._lock = ClassroomView(), threading.Lock()

    def apply(self, notice: Notice) -> None:
        """Take one of the client's notices."""
        with self._lock:
            self._view.apply(notice)

    def show(self, stop: threading.Event, footer: RenderableType = "", follower: Follower | None = None) -> None:
        """Draw until ``stop`` is set, or the follower has failed.

        Raises:
            Exception: What ended the follower's thread.
        """
        console = Console()
        with Live(console=console, auto_refresh=False, screen=console.is_terminal) as live:
            while not stop.wait(_REDRAW_S):
                if follower is not None:
                    follower.raise_failure()
                trouble = Text(follower.error, "red") if follower is not None and follower.error else Text()
                with self._lock:
                    live.update(Group(self._view.as_renderable(), trouble, footer), refresh=True)


def show_live_view(settings: MqttSettings, site: str, device: str, stop: threading.Event) -> None:
    """Show what devices publish at a broker until ``stop`` is set."""
    view = LiveView()
    follower = Follower(settings, view.apply, site=site, device=device)
    follower.start()
    try:
        view.show(stop, Text(f"{shown_host(settings.host)}:{settings.port}  Ctrl-C ends", "dim"), follower)
    finally:
        follower.stop()
