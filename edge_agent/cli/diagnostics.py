"""The command ``edge-agent diagnostics``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edge_agent.cli.options import ConfigOption, read_settings


def diagnostics(
    config: ConfigOption = None,
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("edge-agent-diagnostics.txt"),
) -> None:
    """Write one file for a report: versions, settings, checks, hardware, last lines of the logs. No secret, no name."""
    from edge_agent.commands.diagnostics import write_diagnostics
    from edge_agent.system.logs import set_up_logging

    set_up_logging(quiet=True)
    write_diagnostics(read_settings(config), out, config)
    typer.echo(f"{out} is written. Look through it before you pass it on")
