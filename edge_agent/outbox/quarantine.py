"""Corrupt files, moved out of the way and kept for a later look."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path

_MAX_QUARANTINED_FILES = 3


def quarantine(path: Path) -> Path:
    """Move a file that cannot be read out of the way, with its log, and delete the oldest of those moved before.

    Returns:
        Where it is now: beside the original, named after it with ``.corrupt-`` and the time.
    """
    stamp = datetime.now(tz=timezone.utc).strftime("%Y%m%dT%H%M%S%f")
    moved = path.with_name(f"{path.name}.corrupt-{stamp}")
    path.replace(moved)
    path.with_name(f"{path.name}-shm").unlink(missing_ok=True)
    with suppress(FileNotFoundError):
        path.with_name(f"{path.name}-wal").replace(moved.with_name(f"{moved.name}-wal"))
    kept = sorted(old for old in path.parent.glob(f"{path.name}.corrupt-*") if not old.name.endswith(("-wal", "-shm")))
    for old in kept[:-_MAX_QUARANTINED_FILES]:
        for name in (old.name, f"{old.name}-wal", f"{old.name}-shm"):
            old.with_name(name).unlink(missing_ok=True)
    return moved
