"""The command ``edge-agent demo``."""

from __future__ import annotations

import json as jsonlib
import sys
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
    page: Annotated[
        bool | None, typer.Option("--page/--no-page", help="The school's page, too; by default unless --json.")
    ] = None,
    page_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the page; 0 takes 8480, or a free one.")
    ] = 0,
    json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Run everything at once: embedded broker, simulated classroom, agent, live view, and the page in a browser."""
    with needs_extra("demo"):
        from edge_agent.demo import DemoSettings, run_demo
    from edge_agent.system.logs import set_up_logging
    from edge_agent.system.stop_signals import stop_on_signals

    set_up_logging(verbose=verbose, quiet=not verbose)
    settings = DemoSettings(
        faces=faces,
        seed=seed,
        fps=fps,
        detector=detector,
        port=port,
        page=not json if page is None else page,
        page_port=page_port,
    )
    with stop_on_signals(seconds) as stop:
        report = run_demo(settings, stop, show=not json, on_page=_say_where)
    if json:
        typer.echo(jsonlib.dumps(report.as_dict()))
    else:
        typer.echo(report.as_text())


def _say_where(address: str) -> None:
    """The live view has the address at its foot, but only a terminal shows it before the end."""
    if not sys.stdout.isatty():
        typer.echo(f"the page is at {address}")
