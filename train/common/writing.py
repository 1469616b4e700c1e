"""Writing files of a training, and telling in one line what the system refuses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge_agent.errors import AgentError
from edge_agent.files import replace_file


class NotWritten(AgentError):
    """The system refused a file: the disk is full, or the place read-only. What else is done stands."""


def write_whole(path: Path, content: bytes | memoryview) -> None:
    """Replace a file, which is there whole or not at all whatever happens meanwhile. Its folder is made.

    Raises:
        NotWritten: It cannot be written.
    """
    with writing(path):
        replace_file(path, content)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Tell what the system refuses while a file is written.

    Raises:
        NotWritten: Something was refused.
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
