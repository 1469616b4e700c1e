"""The command ``edge-agent fleet page``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from edge_agent.errors import AgentError
from fleet.options import FOLDER, FolderOption

OUT: Final = Path("/etc/edge-agent-dashboard")


def page(
    host: Annotated[list[str], typer.Option(help="Name or address of the page, as browsers reach it. Repeatable.")],
    out: Annotated[Path, typer.Option(help="Folder for the page's files.")] = OUT,
    broker_port: Annotated[
        int, typer.Option(min=1, max=65535, help="The broker's port for programs with a password.")
    ] = 8884,
    folder: FolderOption = FOLDER,
) -> None:
    """Give the school's page a certificate and its two accounts at the broker: one reads, one carries out commands.

    Run it again to renew all of them. Settings that name an account at the broker are kept.
    """
    from fleet.broker_connection import not_confirmed, reload_broker
    from fleet.page_files import REPLACED_SETTINGS, write_page_files
    from fleet.register import utc_now
    from fleet.school import Fleet

    with Fleet.changing(folder) as fleet:
        written = write_page_files(fleet, out, host, broker_port, utc_now())
        for path in written:
            typer.echo(path)
        if out / REPLACED_SETTINGS in written:
            typer.echo(
                f"The settings before named no account at the broker. They are kept as {out / REPLACED_SETTINGS}."
            )
        if out != OUT:
            typer.echo(f"The settings name files in {out.absolute()}. Correct them if you carry the folder elsewhere.")
        fleet = fleet.apply(utc_now())
        try:
            reload_broker(fleet.register, fleet.folder)
        except AgentError as error:
            typer.echo(f"note: {not_confirmed(error)}", err=True)
    typer.echo("Browsers must trust the school's authority: install ca.crt there, or see docs/page-access.md.")
