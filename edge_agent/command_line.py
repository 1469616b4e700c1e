"""How every command line of the project ends: a user's mistake is one line on standard error and an exit code."""

from __future__ import annotations

import math
import os
import sys
import threading
from collections.abc import Callable
from typing import Any, Final

from typer import BadParameter
from typer.core import TyperGroup

from edge_agent import __version__
from edge_agent.addresses.arguments import without_arguments
from edge_agent.errors import AgentError
from edge_agent.extras import needs_extra

HELP_WIDTH: Final = {"max_content_width": 120}
"""How wide ``--help`` may be where the terminal is as wide."""


def finite(value: float | None) -> float | None:
    """Refuse ``nan`` and ``inf`` for an option: ``nan`` is neither below a least value nor above a largest one.

    Raises:
        BadParameter: It is one of these.
    """
    if value is not None and not math.isfinite(value):
        raise BadParameter(f"{value} is not a finite number.")
    return value


class Commands(TyperGroup):
    """The topmost group of a command line. Its messages quote no argument that may hold a password."""

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """Read the options before the command's name."""
        try:
            return super().make_context(*arguments, **options)
        except Exception as error:
            _mask(error)
            raise

    def invoke(self, ctx: Any) -> Any:
        """Read the command's own options, and run it."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            _mask(error)
            raise


def _mask(error: Exception) -> None:
    """Mask what a wrong use of the command line says, which quotes values."""
    said = getattr(error, "message", None)
    if isinstance(said, str):
        error.message = without_arguments(said, _written())  # type: ignore[attr-defined]


def _written() -> list[str]:
    """What somebody wrote for this command: its arguments, and variables that it reads."""
    return sys.argv[1:] + [value for name, value in os.environ.items() if name.startswith("EDGE_AGENT_")]


def run_app(app: Callable[[], object], *, extra: str = "") -> None:
    """Run a command line. An :class:`AgentError` is one line with the version, anything else keeps its traceback.

    Args:
        app: The command line.
        extra: The extra that its commands need, named where a package is not installed; the smallest one by default.
    """
    try:
        with needs_extra(extra):
            app()
    except AgentError as error:
        said = without_arguments(str(error), _written())
        sys.stderr.write(f"error: {said} (edge-agent {__version__})\n")
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
        import logging  # late, for a command's help has no use of it

        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(ending.code or 0)
