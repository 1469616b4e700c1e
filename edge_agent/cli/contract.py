"""The command ``edge-agent contract``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def contract(
    out: Annotated[Path, typer.Option(help="Folder to write them to.", metavar="DIR")] = Path("contract"),
) -> None:
    """Write the messaging contract for other programs: an AsyncAPI 3 document and a JSON Schema for every message."""
    from edge_agent.protocol.asyncapi import write_documents

    for path in write_documents(out):
        typer.echo(path)
