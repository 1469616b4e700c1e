"""Writing files so that nothing half written is ever taken for whole, and telling what the system refuses."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge_agent.errors import InputError


def write_whole(path: Path, content: bytes | memoryview) -> None:
    """Replace a file, which is there whole or not at all whatever happens meanwhile. Its folder is made.

    Raises:
        InputError: It cannot be written.
    """
    staging = path.with_name(path.name + ".part")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with staging.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        staging.replace(path)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Tell what the system refuses while a file is written: a full disk, a place that is read-only.

    Raises:
        InputError: Likewise.
    """
    try:
        yield
    except OSError as error:
        raise InputError(f"{path}", received=error.strerror or str(error), expected="a file that can be written",
                         remedy="Make room or name another place; --resume continues a training") from None  # fmt: skip
