"""Writing a file so that nothing half written is ever taken for whole. It needs nothing that only a device has."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def replace_file(path: Path, content: bytes | memoryview) -> None:
    """Write a file, which is there whole or as it was, whatever happens meanwhile. Its folder is made.

    Raises:
        OSError: The system refuses; nothing of the try is left.
    """
    staging = path.with_name(f".{path.name}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with staging.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        staging.replace(path)
    except OSError:
        with suppress(OSError):
            staging.unlink()
        raise
