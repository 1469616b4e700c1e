"""The command ``edge-agent``: each of its commands is a module of this package with the command's name.

A command parses, calls one function and prints what it gives. What it needs beside typer, it imports when it runs:
``edge-agent --help`` imports all of these modules, and an unused library costs time.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Annotated, Any, Final

import typer
from typer.main import get_group

from edge_agent import __version__
from edge_agent.cli.plain_arguments import PlainCommand, plain_values
from edge_agent.command_line import HELP_WIDTH, Commands, run_app_and_leave

COMMANDS: Final = (
    "setup",
    "enrol",
    "run",
    "demo",
    "watch",
    "classify",
    "check",
    "notice",
    "config",
    "contract",
    "conformance",
    "cameras",
    "doctor",
    "diagnostics",
    "aim",
    "bench",
    "model",
    "detector",
    "fleet",
    "dashboard",
    "record",
    "export",
)
"""In the order of ``--help``. ``edge_agent/cli/NAME.py`` has a function ``NAME``, or a Typer app with commands of its
own. A hyphen in a command's name is an underscore there.
"""


_PLAIN: Final = ("run",)
"""Commands that work for months, and so read their arguments at less cost of memory."""


class _Commands(Commands):
    """Imports a command's module when that command, or the help of all, is asked for."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        # Names alone: what a mistyped one is compared with.
        self.commands: Any = dict.fromkeys(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - typer's signature
        """One command, or ``None`` where there is none of that name."""
        return _load(cmd_name) if cmd_name in COMMANDS else None


def _load(name: str) -> Any:
    attribute = name.replace("-", "_")
    command = getattr(import_module(f"{__name__}.{attribute}"), attribute)
    alone = typer.Typer(rich_markup_mode=None)
    if isinstance(command, typer.Typer):
        alone.add_typer(command, name=name)
    else:
        alone.command(name, cls=PlainCommand if name in _PLAIN else None)(command)
    return get_group(alone).commands[name]


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # importing rich takes longer than all the rest of --help
    context_settings=HELP_WIDTH,
    help="Facial-expression events from a classroom camera, over MQTT. Pictures never leave the device.",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Options of every command."""


def main() -> None:
    """Run the command line."""
    run_app_and_leave(_start)


def _start() -> None:
    name, *args = sys.argv[1:] or [""]
    command = _load(name) if name in _PLAIN else None
    if command is None or plain_values(command, args) is None:
        app()
    else:
        # Not through the group: its own options would be converted by typer.
        command.main(args, prog_name=f"edge-agent {name}")
