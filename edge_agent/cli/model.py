"""The commands ``edge-agent model ...``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edge_agent.cli.options import ConfigOption, JsonOption, read_settings

model = typer.Typer(no_args_is_help=True, help="Look at model bundles.")


@model.command()
def show(
    file: Annotated[Path | None, typer.Argument(help="A bundle, or edge-tiny; else the one an agent runs.")] = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Show what a bundle is: labels, quantization, training, statistics. Without FILE, also where it comes from."""
    import msgspec
    from rich.console import Console
    from rich.table import Table

    from edge_agent.model_format.bundle import read_bundle
    from edge_agent.model_format.description import describe
    from edge_agent.model_format.priors import (
        DEFAULT_PRIOR,
        describe_prior,
        names_all_labels,
        training_shares_of_bundle,
    )
    from edge_agent.update.source import model_source
    from edge_agent.vision.classifier import model_path

    settings = read_settings(config)
    source = model_source(settings) if file is None else None
    bundle = read_bundle(model_path(file or (source.path if source is not None else None)))
    if json:
        typer.echo(msgspec.json.format(msgspec.json.encode(bundle.metadata), indent=2).decode())
        return
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    if source is not None:
        table.add_row("source", str(source))
    for name, value in describe(bundle):
        table.add_row(name, value)
    prior, shares = settings.classifier.prior, training_shares_of_bundle(bundle.metadata)
    if names_all_labels(prior, bundle.metadata.labels):
        in_use = describe_prior(prior, shares)
    elif source is not None and settings.follows_fleet:
        in_use = f"{describe_prior(DEFAULT_PRIOR, shares)}. The shares in classifier.prior are of other labels"
    else:
        in_use = "none: the shares in classifier.prior are of other labels, so an agent refuses this model"
    table.add_row("prior in use", in_use)
    Console().print(table)
