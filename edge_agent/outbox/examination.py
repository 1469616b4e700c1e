"""Looks at the files of an outbox as the agent will use them, and leaves them as they are."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from edge_agent.outbox.sqlite_errors import is_of_another_program, of_another_program, of_wrong_kind, translated
from edge_agent.outbox.sqlite_pages import has_sound_head


def examine_outbox(path: Path) -> str:
    """What is to be said of an outbox: whether this user can use its folder and its files.

    The file is not opened as a database: that would make files beside it, which belong to whoever looks.

    Raises:
        StoreError: They cannot be used; with the file, its owner and the command that mends it.
    """
    with translated(path):
        if (wrong := of_wrong_kind(path)) is not None:
            raise wrong
        # Nameless: in a folder of the service's, root must not follow a link that somebody laid there.
        with tempfile.TemporaryFile(dir=path.parent) as probe:
            probe.write(b"x")
        for name in (path.name, f"{path.name}-wal"):
            file = path.with_name(name)
            if file.exists():
                os.close(os.open(file, os.O_RDWR | os.O_NONBLOCK))  # a link is followed, as the agent does
        if path.exists() and not has_sound_head(path):
            return f"{path} is damaged: at its start the agent saves what can be read of it"
        if path.exists() and _holds_other_tables(path):
            raise of_another_program(path)
    return f"{path.parent} can be written"


def _holds_other_tables(path: Path) -> bool:
    """Whether a file is of another program. Nothing is written to it, and nothing made beside it."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as database:
            return is_of_another_program(database)
    except (sqlite3.Error, UnicodeDecodeError):  # damaged, which the agent deals with
        return False
