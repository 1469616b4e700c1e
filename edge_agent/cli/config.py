"""The command ``edge-agent config``."""

from __future__ import annotations

from typing import Annotated

import typer

from edge_agent.errors import InputError


def config(
    defaults: Annotated[
        bool, typer.Option("--defaults", help="Print a settings file with every key, its default, unit and range.")
    ] = False,
    reference: Annotated[
        bool, typer.Option("--reference", help="Print the reference of all keys, docs/settings.md.")
    ] = False,
) -> None:
    """Print what the settings file may say."""
    from edge_agent.commands.settings_reference import defaults_file, reference_page

    if defaults == reference:
        raise InputError("edge-agent config", expected="either --defaults or --reference")
    typer.echo(defaults_file() if defaults else reference_page(), nl=False)
