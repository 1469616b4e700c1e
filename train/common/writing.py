"""Writing files of a training, with system errors reported in one line."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge_agent.errors import AgentError, InputError
from edge_agent.files import replace_file


class NotWritten(AgentError):
    """The system refused to write a file, as on a full or read-only disk. Everything written before remains."""


def write_whole(path: Path, content: bytes | memoryview) -> None:
    """Replace a file in one step, so that it is never half written. Its folder is made.

    Raises:
        NotWritten: It cannot be written.
    """
    with writing(path):
        replace_file(path, content)


def check_writable(*files: Path | None) -> None:
    """Refuse paths that cannot be written, before minutes are spent on their content.

    Raises:
        InputError: One is a folder, or its folder cannot be made or is read-only.
    """
    for file in filter(None, files):
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _unwritable(file, str(error.strerror)) from None
        if file.is_dir() or not os.access(file.parent, os.W_OK):
            raise _unwritable(file, "a folder" if file.is_dir() else "a place in a folder that is read-only")


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn system errors while a file is written into one that names the file.

    Raises:
        NotWritten: The system refused something.
    """
    try:
        yield
    except OSError as error:
        raise NotWritten(
            f"{path}",
            received=error.strerror or str(error),
            expected="a file that can be written",
            remedy="Make room there or name another place, then call again",
        ) from None


def _unwritable(file: Path, received: str) -> InputError:
    return InputError(f"{file}", received=received, expected="a file that can be written", remedy="Name another file")
