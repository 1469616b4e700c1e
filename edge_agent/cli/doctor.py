"""The command ``edge-agent doctor``."""

from __future__ import annotations

import json as jsonlib
import sysconfig
from pathlib import Path
from typing import Annotated

import typer

from edge_agent.cli.options import ConfigOption, JsonOption, read_settings
from edge_agent.errors import CheckFailed


def doctor(
    config: ConfigOption = None,
    preflight: Annotated[
        bool, typer.Option("--preflight", help="Only what can be true before camera and broker are configured.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Check the device for real: an inference, the detector, files, the camera, the broker. As root it looks with the
    rights of the service's user.
    """
    from edge_agent.system.logs import set_up_logging
    from edge_agent.system.service_user import become_service_user, require_readable_program, user_of

    set_up_logging(quiet=True)
    config = config and config.absolute()
    user = user_of(config)
    if user is not None:
        require_readable_program(user, Path(sysconfig.get_path("platlib")))
    become_service_user(config)
    from edge_agent.commands.doctor import examine, read_in_time, time_left_s

    settings = read_in_time(lambda: read_settings(config), time_left_s())
    findings = []
    for finding in examine(settings, preflight=preflight, within_s=time_left_s()):
        findings.append(finding)
        if not json:
            mark = "ok  " if finding.ok else "FAIL" if finding.fatal else "warn"
            typer.echo(f"{mark}  {finding.check:12}  {finding.detail}")
    if json:
        rows = [{"check": f.check, "ok": f.ok, "fatal": f.fatal, "detail": f.detail} for f in findings]
        typer.echo(jsonlib.dumps(rows, indent=2))
    if any(not finding.ok and finding.fatal for finding in findings):
        raise typer.Exit(CheckFailed.exit_code)
