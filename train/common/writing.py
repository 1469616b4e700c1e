"""Writing files of a training, with system errors reported in one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge_agent.errors import AgentError
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
