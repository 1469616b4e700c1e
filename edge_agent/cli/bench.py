"""The command ``edge-agent bench``."""

from __future__ import annotations

import json as jsonlib
from typing import Annotated, Any, Literal

import typer

from edge_agent.cli.options import ConfigOption, JsonOption, read_settings


def bench(
    faces: Annotated[int, typer.Option(min=0, max=40, help="People in the drawn class.")] = 24,
    seconds: Annotated[float, typer.Option(min=1, max=3600, help="Length of the drawn lesson.")] = 30.0,
    detector: Annotated[
        Literal["auto", "haar", "yunet"] | None,
        typer.Option(help="How faces are found; else by the settings."),
    ] = None,
    every_frame: Annotated[
        bool, typer.Option("--every-frame", help="Search every frame whole, for comparison.")
    ] = False,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Measure how fast this board is: milliseconds by stage, frames a second, memory, and which settings suit it."""
    from msgspec.structs import replace

    from edge_agent.commands.bench import measure
    from edge_agent.system.logs import set_up_logging

    set_up_logging(quiet=True)
    settings = read_settings(config)
    changes: dict[str, Any] = {"kind": detector} if detector is not None else {}
    if every_frame:
        changes["every_frame"] = True
    settings = replace(
        settings,
        camera=replace(settings.camera, source="simulated", faces=faces),
        detector=replace(settings.detector, **changes),
    )
    report = measure(settings, seconds=seconds)
    typer.echo(jsonlib.dumps(report.as_dict(), indent=2) if json else report.as_text())
