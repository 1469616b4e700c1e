"""What differs between versions of OpenCV."""

from __future__ import annotations

from typing import Final

import cv2

from edge_agent.errors import ModelError

_SILENT: Final = 0
INSTALL: Final = "Run pip install 'opencv-python-headless>=4.10,<5'"


def check_version() -> None:
    """Refuse an OpenCV with which faces would be found otherwise than measured. 5 has no cascades and rounds otherwise.

    Raises:
        ModelError: It is not version 4.
    """
    if cv2.__version__.partition(".")[0] != "4":
        raise ModelError("this program", received=f"OpenCV {cv2.__version__}", expected="OpenCV 4", remedy=INSTALL)


def silence_log() -> None:
    """Have OpenCV write nothing to standard error. The function has another name up to 4.12."""
    if hasattr(cv2.utils, "logging"):
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    else:
        vars(cv2)["setLogLevel"](_SILENT)
