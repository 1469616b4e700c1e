"""The command ``edge-agent setup``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge_agent.errors import InputError

if TYPE_CHECKING:
    from edge_agent.config import Settings
    from edge_agent.setup.answers import Tables

_LOOK_S = 5.0
_INTERRUPTED = 130


def setup(
    out: Annotated[
        Path | None,
        typer.Option(help="The file to write; /etc/edge-agent/agent.toml or agent.toml by default.", metavar="FILE"),
    ] = None,
    answers: Annotated[
        Path | None,
        typer.Option(help="Ask nothing: take what this TOML file says, with the keys of agent.toml.", metavar="FILE"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="With --answers: overwrite the file if it is there.")] = False,
    no_broker: Annotated[bool, typer.Option("--no-broker", help="With --answers: do not try the broker.")] = False,
) -> None:
    """Ask for what a new device needs, try it, and write its settings file.

    Defaults are what is found on this machine: cameras, its name, the country of its time zone. With --answers no
    terminal is needed: the same file serves many devices, and what it leaves out is found on each.
    """
    from edge_agent.setup.found import default_file
    from edge_agent.system.logs import set_up_logging

    set_up_logging(quiet=True)
    target = (out or default_file()).absolute()
    if answers is not None:
        _from_file(answers, target, force=force, try_broker=not no_broker)
        return
    if not sys.stdin.isatty():
        raise InputError("edge-agent setup", received="no terminal to ask in", remedy="Use --answers FILE")
    try:
        _in_terminal(target)
    except (KeyboardInterrupt, EOFError):
        typer.echo("\nStopped. Nothing was written.", err=True)
        raise typer.Exit(_INTERRUPTED) from None


def _from_file(answers: Path, out: Path, *, force: bool, try_broker: bool) -> None:
    from edge_agent.device.probe import probe_broker
    from edge_agent.setup import complete, finished, look_around, read_answers, write_settings

    if out.exists() and not force:
        raise InputError(f"{out}: there is such a file", remedy="Use --force to overwrite it")
    settings, text = finished(complete(read_answers(answers), look_around()), out)
    if try_broker:
        typer.echo(probe_broker(settings))
    write_settings(text, out)
    _what_now(out)


def _in_terminal(out: Path) -> None:
    from edge_agent.device.probe import probe_broker
    from edge_agent.setup import Interview, complete, finished, look_around, write_settings

    terminal = _Terminal()
    known = _known(out, terminal)
    if known is None:
        return
    terminal.say("Enter takes what stands in brackets. Ctrl-C ends, and nothing is written.")
    found = look_around()
    tables = Interview(terminal, found, known, probe_broker, _look).hold()
    _, text = finished(complete(tables, found), out)
    terminal.say("")
    if terminal.ask(f"Write {out} (y/n)", "y").strip().casefold() not in ("y", "yes"):
        terminal.say("Nothing was written.")
        return
    write_settings(text, out)
    _what_now(out)


class _Terminal:
    """Asks on standard input."""

    def ask(self, question: str, default: str) -> str:
        return input(f"{question} [{default}]: " if default else f"{question}: ") or default

    def say(self, text: str) -> None:
        typer.echo(text)


def _known(out: Path, terminal: _Terminal) -> Tables | None:
    """What a file says that is there; ``None`` where it is not to be overwritten."""
    from edge_agent.errors import ConfigError
    from edge_agent.setup.answers import read_answers

    if not out.exists():
        return {}
    terminal.say(f"{out} is there.")
    if terminal.ask("Overwrite it at the end, with its values as defaults (y/n)", "n").casefold() not in ("y", "yes"):
        terminal.say("Nothing was written.")
        return None
    try:
        return read_answers(out)
    except ConfigError as error:
        terminal.say(f"Its values are not used: {error}")
        return {}


def _look(settings: Settings) -> list[str]:
    """What the camera sees, in sentences."""
    from edge_agent.commands.aim import aim_line, watch_aim
    from edge_agent.system.stop_signals import stop_on_signals
    from edge_agent.vision.aiming import advice

    with stop_on_signals(_LOOK_S) as stop:
        last = watch_aim(settings, stop, lambda _report: None)
    return [aim_line(last.aim), *(f"- {sentence}." for sentence in (*last.notes, *advice(last.aim)))]


def _what_now(out: Path) -> None:
    typer.echo(f"{out} is written. Check the device: edge-agent doctor --config {out}")
