"""The command ``edge-agent cameras``."""

from __future__ import annotations

import json as jsonlib
from typing import Annotated

import typer

from edge_agent.cli.options import ConfigOption, JsonOption, read_settings


def cameras(
    config: ConfigOption = None,
    forget: Annotated[
        bool, typer.Option("--forget", help="Forget which camera was declared: the next one that works is noted.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """List the cameras that are there: their names, what the settings should say, and what they deliver."""
    from edge_agent.system.data_folders import state_folder
    from edge_agent.system.logs import set_up_logging
    from edge_agent.vision.camera_identity import forget as forget_camera
    from edge_agent.vision.camera_list import present_cameras, refused_nodes

    set_up_logging(quiet=True)
    if forget:
        folder = state_folder(read_settings(config))
        forgotten = folder is not None and forget_camera(folder)
        typer.echo("forgotten: the next camera that works is noted" if forgotten else "no camera was noted")
        return
    found = present_cameras()
    if json:
        typer.echo(jsonlib.dumps([camera.as_dict() for camera in found], indent=2))
        return
    for camera in found:
        typer.echo(camera.as_text())
    refused = refused_nodes()
    if refused:
        typer.echo(f"not looked at, since this user may not open them: {', '.join(map(str, refused))}", err=True)
    if not found:
        typer.echo("no camera found")
