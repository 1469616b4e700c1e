"""What the commands of this package print while they work."""

from __future__ import annotations

import time

import typer


def announce(text: str) -> None:
    """Announce a step."""
    typer.echo(f"==> [{time.strftime('%H:%M:%S')}] {text}")


def report(text: str) -> None:
    """Print what was found."""
    typer.echo(f"    {text}")
