"""How every command line of the project ends: a user's mistake is one line on standard error and an exit code."""

from __future__ import annotations

import sys
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
