"""The log of what others asked this device to do: every command, and every change of what it should be.

Who has something to record writes to :data:`AUDIT`. It shows in the ordinary log. On a device that keeps
state it also goes to files. These hold four megabytes at most, so that a flood of commands cannot fill the card.
"""

from __future__ import annotations

import io
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

AUDIT = logging.getLogger("edge_agent.audit")
FILE = "audit.log"

# Not a child of AUDIT: what is said about the file must not go into it.
log = logging.getLogger("edge_agent.audit_file")

_FILE_BYTES, _OLDER_FILES = 1_000_000, 3


@contextmanager
def audit_file(folder: Path | None) -> Iterator[None]:
    """Have the audit log written to a file in the folder, too; ``None``: nowhere."""
    if folder is None:
        yield
        return
    handler = _AuditFile(folder / FILE)
    level = AUDIT.level
    AUDIT.setLevel(logging.INFO)  # whatever else is logged
    AUDIT.addHandler(handler)
    try:
        yield
    finally:
        AUDIT.removeHandler(handler)
        AUDIT.setLevel(level)
        handler.close()


class _OneLine(logging.Formatter):
    """The time in UTC and the message, on a single line whatever a sender put into it."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, tz=timezone.utc).isoformat(timespec="milliseconds")
        return " ".join([at.replace("+00:00", "Z"), *super().format(record).splitlines()])


class _AuditFile(RotatingFileHandler):
    """For its owner alone, opened when first written to; a failing disk is logged once until it works again."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, maxBytes=_FILE_BYTES, backupCount=_OLDER_FILES, encoding="utf-8", delay=True)
        self.setFormatter(_OneLine("%(message)s"))
        self._failing = self._failed_now = False

    def emit(self, record: logging.LogRecord) -> None:
        self._failed_now = False
        super().emit(record)
        self._failing = self._failed_now

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 - the base class calls it so
        self._failed_now = True
        if not self._failing:
            log.error("%s: cannot be written: %s", self.baseFilename, sys.exc_info()[1])

    def _open(self) -> io.TextIOWrapper:
        Path(self.baseFilename).parent.mkdir(parents=True, exist_ok=True)

        def opener(path: str, flags: int) -> int:
            return os.open(path, flags, 0o600)

        opened: Any = open(self.baseFilename, "a", encoding="utf-8", opener=opener)  # noqa: SIM115 - kept open
        return opened  # type: ignore[no-any-return]
