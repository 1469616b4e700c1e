"""The live view of ``edge-agent watch``: what devices publish, as any subscriber sees it."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from typing import Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from edge_agent.addresses.masking import shown_host
from edge_agent.client import Notice
from edge_agent.client.follower import Follower
from edge_agent.config import MqttSettings
from edge_agent.console.classroom_view import ClassroomView
from edge_agent.console.line_view import LineView
from edge_agent.console.screen import draw_screen

_REDRAW_S = 0.25

Footer = Callable[[], list[Text]]
"""Gives the lines below everything else; they may change."""


class View(Protocol):
    """Shows what the client reports."""

    def apply(self, notice: Notice) -> None:
        """Take one of the client's notices; on any thread."""

    def show(self, stop: threading.Event, footer: Footer = list, follower: Follower | None = None) -> None:
        """Show until ``stop`` is set."""


class LiveView:
    """Draws the classrooms on the terminal while messages come in on another thread."""

    def __init__(self) -> None:
        self._view, self._lock = ClassroomView(), threading.Lock()

    def apply(self, notice: Notice) -> None:
        """Take one of the client's notices."""
        with self._lock:
            self._view.apply(notice)

    def show(self, stop: threading.Event, footer: Footer = list, follower: Follower | None = None) -> None:
        """Draw until ``stop`` is set, or the follower has failed; with the footer in the last lines.

        Raises:
            Exception: What ended the follower's thread.
        """
        console = Console()
        with Live(console=console, auto_refresh=False, screen=True) as live:
            while not stop.wait(_REDRAW_S):
                if follower is not None:
                    follower.raise_failure()
                trouble = [Text(follower.error, "red")] if follower is not None and follower.error else []
                width, height = console.size
                with self._lock:
                    lines = draw_screen(self._view, width, height, [*trouble, *footer()])
                live.update(Group(*lines), refresh=True)


class Printed:
    """Prints a line for each notice, where nobody looks at a terminal.

    Args:
        as_json: Whether each line is a JSON object.
    """

    def __init__(self, *, as_json: bool = False) -> None:
        self._lines, self._lock, self._closed = (
            LineView(self._print, as_json=as_json),
            threading.Lock(),
            threading.Event(),
        )

    def apply(self, notice: Notice) -> None:
        """Take one of the client's notices."""
        with self._lock:
            if not self._closed.is_set():
                self._lines.apply(notice)

    def show(self, stop: threading.Event, footer: Footer = list, follower: Follower | None = None) -> None:  # noqa: ARG002
        """Wait until ``stop`` is set, nobody reads any more, or the follower has failed.

        Why there is no connection goes to standard error.

        Raises:
            Exception: What ended the follower's thread.
        """
        said = ""
        while not stop.wait(_REDRAW_S) and not self._closed.is_set():
            if follower is not None:
                follower.raise_failure()
            error = follower.error if follower is not None else ""
            if error and error != said:
                sys.stderr.write(f"{error}\n")
            said = error
        stop.set()

    def _print(self, line: str) -> None:
        try:
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
        except BrokenPipeError:  # as with `| head`
            self._closed.set()
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def view_for_output() -> View:
    """What suits standard output: the live view on a terminal, else lines."""
    return LiveView() if Console().is_terminal else Printed()


def show_live_view(settings: MqttSettings, site: str, device: str, stop: threading.Event, *, as_json: bool) -> None:
    """Show what devices publish at a broker until ``stop`` is set."""
    view = Printed(as_json=True) if as_json else view_for_output()
    follower = Follower(settings, view.apply, site=site, device=device)
    follower.start()
    try:
        where = Text(f"{shown_host(settings.host)}:{settings.port}  Ctrl-C ends", "dim")
        view.show(stop, lambda: [where], follower)
    finally:
        follower.stop()
