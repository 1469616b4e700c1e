"""Where the agent keeps what has to outlive it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # deploy/make-wheelhouse.sh fetches the detector where none of the dependencies is installed
    from edge_agent.config import Settings

SYSTEM_DATA = Path("/var/lib/edge-agent")
"""Where the installed service keeps its data."""


def data_folders() -> tuple[Path, ...]:
    """Where the agent's data may lie, in the order they are searched.

    ``EDGE_AGENT_DATA`` names the only one. Without it: the service's folder ``/var/lib/edge-agent``, then the user's
    own under ``XDG_DATA_HOME`` (``~/.local/share`` where that is not set).
    """
    named = os.environ.get("EDGE_AGENT_DATA")
    if named:
        return (Path(named),)
    # The XDG standard tells programs to ignore a relative path.
    xdg = Path(os.environ.get("XDG_DATA_HOME") or "")
    own = xdg if xdg.is_absolute() else Path("~/.local/share").expanduser()
    return SYSTEM_DATA, own / "edge-agent"


def writable_data_folder() -> Path:
    """The first data folder this user can write to.

    The service's folder counts only where it exists, since creating it is the installer's business.
    """
    folders = data_folders()
    return next((folder for folder in folders[:-1] if os.access(folder, os.W_OK)), folders[-1])


def state_folder(settings: Settings) -> Path | None:
    """Where a device notes what must survive its restart: the folder of its outbox.

    A live camera whose outbox is in memory takes the data folder. Simulations and files with an outbox in memory leave
    nothing behind: ``None``.
    """
    if settings.outbox.path:
        return Path(settings.outbox.path).parent
    return writable_data_folder() if settings.camera.live else None
