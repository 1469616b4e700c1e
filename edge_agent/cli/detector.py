"""The commands ``edge-agent detector ...``."""

from __future__ import annotations

from typing import Annotated

import typer

detector = typer.Typer(no_args_is_help=True, help="Get the better face detector.")


@detector.command()
def fetch(
    source: Annotated[
        list[str] | None, typer.Option(help="Take it from here: https://, http:// or file://. May be repeated.")
    ] = None,
    optional: Annotated[
        bool, typer.Option("--optional", help="Where it cannot be fetched, say so in one line and go on.")
    ] = False,
) -> None:
    """Download YuNet's weights (MIT licence, OpenCV Zoo), checked against a pinned sha256, within 60 seconds.

    The variable EDGE_AGENT_YUNET_URL names an address of your own to try first.
    """
    from edge_agent.config import DetectorSettings
    from edge_agent.errors import ModelError
    from edge_agent.system.logs import set_up_logging
    from edge_agent.vision.detector import detector_note
    from edge_agent.vision.weights import fetch as fetch_weights

    set_up_logging()
    try:
        typer.echo(f"YuNet is in {fetch_weights(sources=source or None)}")
    except ModelError:
        if not optional:
            raise
        typer.echo(f"note: {detector_note(DetectorSettings(), 'haar')}", err=True)
