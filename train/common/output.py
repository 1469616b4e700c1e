"""What commands print: results on standard output, progress on standard error."""

from __future__ import annotations

import json

import msgspec
import typer


def print_result(result: object, text: str, as_json: bool) -> None:
    """Print a result as JSON, or the text that says the same."""
    typer.echo(json.dumps(msgspec.to_builtins(result), indent=2) if as_json else text)


def report_progress(message: str) -> None:
    """Print a line of progress."""
    typer.echo(message, err=True)
