"""The command ``edge-agent aim``."""

from __future__ import annotations

import json as jsonlib
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from edge_agent.cli.options import ConfigOption, JsonOption, read_settings

if TYPE_CHECKING:
    from edge_agent.commands.aim import AimReport
    from edge_agent.config import Settings


def aim(
    config: ConfigOption = None,
    source: Annotated[
        Literal["simulated", "image", "video", "v4l2", "csi"] | None, typer.Option(help="Instead of camera.source.")
    ] = None,
    path: Annotated[str | None, typer.Option(help="Instead of camera.path.")] = None,
    seconds: Annotated[float | None, typer.Option(min=0.5, help="Stop after so long; else at Ctrl-C.")] = None,
    json: JsonOption = False,
) -> None:
    """Show where faces are and how large, and what to do about the rest. No picture is shown, stored or sent.

    Piped, it prints a line for every look. With --json it looks for a second and prints one object.
    """
    from rich.console import Console

    from edge_agent.commands.aim import aim_line, aim_view, watch_aim
    from edge_agent.privacy.policy import permit
    from edge_agent.system.logs import set_up_logging
    from edge_agent.system.stop_signals import stop_on_signals
    from edge_agent.vision.aiming import advice
    from edge_agent.vision.zones import Zones

    set_up_logging(quiet=True)
    settings = _with_camera(read_settings(config), source, path)
    permit(settings.camera, settings.policy, str(config or ""))
    console, zones = Console(), Zones.of(settings.detector)

    def view(report: AimReport) -> str:
        return aim_view(report.aim, report.notes, zones)

    def show(report: AimReport) -> None:
        if console.is_terminal and not json:
            typer.echo("\x1b[H\x1b[2J" + view(report), nl=False)
        elif not json:
            typer.echo(aim_line(report.aim))

    with stop_on_signals(seconds or (1.0 if json else None)) as stop:
        last = watch_aim(settings, stop, show)
    if json:
        typer.echo(jsonlib.dumps(last.as_dict(), indent=2))
    elif console.is_terminal:
        typer.echo()
    else:
        for sentence in (*last.notes, *advice(last.aim)):
            typer.echo(f"- {sentence}.")


def _with_camera(settings: Settings, source: str | None, path: str | None) -> Settings:
    from msgspec.structs import replace

    from edge_agent.config_file import check_camera

    changes = {name: value for name, value in (("source", source), ("path", path)) if value is not None}
    camera = replace(settings.camera, **changes)
    check_camera(camera, "--source, --path: ")
    return replace(settings, camera=camera)
