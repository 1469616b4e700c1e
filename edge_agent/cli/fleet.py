"""The commands ``edge-agent fleet ...``: the school's tools, which are a package of their own."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_group


class _FleetCommands(TyperGroup):
    """The school's tools, imported when one of them is asked for: the device's commands need none of them."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of the school's commands."""
        return self._loaded.list_commands(ctx)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """One of the school's commands."""
        return self._loaded.get_command(ctx, cmd_name)

    @cached_property
    def _loaded(self) -> TyperGroup:
        from fleet.cli import fleet_app

        return get_group(fleet_app)


fleet = typer.Typer(
    cls=_FleetCommands,
    no_args_is_help=True,
    help="A school's devices: certificates, enrolment, revocation. For the machine with the school's authority.",
)
