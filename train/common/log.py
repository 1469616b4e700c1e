"""What the commands of training and export write to the terminal beside their results."""

from __future__ import annotations

import logging
import sys


def log_to_stderr() -> None:
    """Write warnings as plain lines, for people.

    Libraries would set up the log otherwise, with names of modules before each line, once they have been imported.
    TensorFlow's hints to programmers on tracing are left out.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    logging.getLogger().addHandler(handler)
    logging.getLogger("tensorflow").addFilter(_is_for_users)


def _is_for_users(record: logging.LogRecord) -> bool:
    return "triggered tf.function retracing" not in record.getMessage()
