"""The command ``edge-agent demo``."""

from __future__ import annotations

import json as jsonlib
from typing import Annotated

import typer

from edge_agent.cli.options import DetectorOption, JsonOption, VerboseOption
from edge_agent.extras import needs_extra


def demo(
    seconds: Annotated[float | None, typer.Option(min=1, help="Stop after so long; else at Ctrl-C.")] = None,
    faces: Annotated[int, typer.Option(min=1, max=40, help="People in the simulated classroom.")] = 12,
    seed: Annotated[int, typer.Option(min=0, help="Which classroom.")] = 7,
    fps: Annotated[float, typer.Option(min=1, max=60, help="Frames a second of the simulated camera.")] = 10.0,
    detector: DetectorOption = "auto",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the embedded broker; 0 takes a free one.")] = 0,
    json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Run everything at once: embedded broker, simulated classroom, agent and live view."""
    with needs_extra("demo"):
        from edge_agent.demo import DemoSettings, run_demo
    from edge_agent.system.logs import set_up_logging
    from edge_agent.system.stop_signals import stop_on_signals

    set_up_logging(verbose=verbose, quiet=not verbose)
    settings = DemoSettings(faces=faces, seed=seed, fps=fps, detector=detector, port=port)
    with stop_on_signals(seconds) as stop:
        report = run_demo(settings, stop, show=not json)
    if json:
        typer.echo(jsonlib.dumps(report.as_dict()))
    else:
        typer.echo(report.as_text())
