"""The command ``edge-agent notice``."""

from __future__ import annotations

import shlex
import time
from pathlib import Path
from typing import Annotated

import typer


def notice(
    config: Annotated[Path, typer.Option("--config", readable=False, help="The agent's TOML file.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder for the files; by default one beside the settings.", metavar="DIR")
    ] = None,
    language: Annotated[
        list[str] | None, typer.Option(help="en, de, fr, es or id; by default all. May be repeated.")
    ] = None,
) -> None:
    """Write the signs for the door, for adults and for children, and a draft of the impact assessment. No legal advice.

    All is made from the settings and from details.toml in the folder, which the first run puts there to be filled in.
    'edge-agent check' says when settings have changed since.
    """
    from edge_agent.config_file import load_settings
    from edge_agent.notice import default_folder, write_notice

    settings = load_settings(config)
    folder = out or default_folder(config)
    written = write_notice(settings, folder, str(config), time.time(), language or ())
    for path in written.files:
        typer.echo(path)
    for note in written.notes:
        typer.echo(f"note: {note}", err=True)
    option = f" --notice {shlex.quote(str(folder))}" if out is not None else ""
    typer.echo(f"Whether the settings have changed since: edge-agent check {shlex.quote(str(config))}{option}")
