"""The command ``edge-agent check``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def check(
    file: Annotated[Path, typer.Argument(readable=False, help="The agent's TOML file.")],
    notice: Annotated[
        Path | None,
        typer.Option(help="Folder of the signs, where 'edge-agent notice' was given one.", metavar="DIR"),
    ] = None,
) -> None:
    """Validate a configuration and the files that it names, the operator's declaration included, and start nothing.

    It also says which settings have changed since the signs for the door were made.
    """
    from edge_agent.config_file import load_settings
    from edge_agent.errors import ConfigError
    from edge_agent.notice import default_folder, notice_state
    from edge_agent.privacy.policy import check_answers, permit
    from edge_agent.required_files import check_prior, check_required_files
    from edge_agent.system.service_user import user_of

    settings = load_settings(file)
    permit(settings.camera, settings.policy, str(file))
    check_required_files(settings, str(file), user_of(file))
    prior_fits = check_prior(settings, str(file))
    typer.echo(f"{file} is valid")
    if not prior_fits:
        typer.echo(
            "note: classifier.prior has shares of other labels than the model that came with the agent. They wait for "
            "a model of the school with these labels. Until then, the prior is the default one",
            err=True,
        )
    try:
        check_answers(settings.policy)
    except ConfigError as error:  # of a simulation or a recording, which start all the same
        typer.echo(f"note: with a live camera this would not start: {error}", err=True)
    for line in notice_state(settings, notice or default_folder(file), str(file), asked=notice is not None):
        typer.echo(f"note: {line}", err=True)
