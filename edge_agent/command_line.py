"""How every command line of the project ends: a user's mistake is one line on standard error and an exit code."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable

import typer

from edge_agent.errors import AgentError


def run_app(app: Callable[[], object]) -> None:
    """Run a command line; an :class:`AgentError` is told in one line, anything else keeps its traceback."""
    try:
        app()
    except AgentError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)


def run_app_and_leave(app: Callable[[], object]) -> None:
    """As :func:`run_app`, and end the process at once where threads are left behind.

    A camera that hangs, or a board that is slow, may hold a thread in OpenCV after all else has ended in order. Where
    the interpreter comes to its end meanwhile, that thread brings the process down with SIGABRT as it leaves OpenCV: to
    systemd and to scripts, an orderly stop would look like a crash.
    """
    try:
        run_app(app)
    except SystemExit as ending:
        if not any(thread.daemon for thread in threading.enumerate()) or isinstance(ending.code, str):
            raise
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(ending.code or 0)
