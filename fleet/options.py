"""Options that several commands of ``edge-agent fleet`` share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

FOLDER: Final = Path("/var/lib/edge-agent-fleet")
FolderOption = Annotated[
    Path,
    # Not typer's own check of rights, which names no remedy.
    typer.Option(
        "--folder", envvar="EDGE_AGENT_FLEET", readable=False, help="The fleet's folder, with the authority's key."
    ),
]
