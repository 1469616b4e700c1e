"""What differs between versions of OpenCV."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import cv2

from edge_agent.errors import ModelError

_SILENT: Final = 0
_WARNINGS: Final = 3
_ALL: Final = 6
INSTALL: Final = "Run pip install 'opencv-python-headless>=4.10,<5'"


def check_version() -> None:
    """Refuse an OpenCV with which faces would be found otherwise than measured. 5 has no cascades and rounds otherwise.

    Raises:
        ModelError: It is not version 4.
    """
    if cv2.__version__.partition(".")[0] != "4":
        raise ModelError("this program", received=f"OpenCV {cv2.__version__}", expected="OpenCV 4", remedy=INSTALL)


def silence_log() -> None:
    """Have OpenCV write nothing to standard error."""
    _log().setLogLevel(_SILENT)


@contextmanager
def with_warnings() -> Iterator[None]:
    """Have OpenCV write warnings and errors to standard error during the block, whatever it else writes.

    Up to version 4.12, it counts errors of TIFF pictures among its least important lines.
    """
    log = _log()
    before = log.getLogLevel()
    log.setLogLevel(_ALL if log is cv2 else _WARNINGS)
    try:
        yield
    finally:
        log.setLogLevel(before)


def _log() -> Any:
    """Where the two functions are; up to version 4.12 in the package itself."""
    return cv2.utils.logging if hasattr(cv2.utils, "logging") else cv2
