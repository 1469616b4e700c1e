"""How the agent logs: one line per event, with the time where nobody else adds it."""

from __future__ import annotations

import logging
import os
import sys

from edge_agent.addresses.scrubbing import scrubbed

_UNDER_JOURNALD = "JOURNAL_STREAM" in os.environ
_PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6), (logging.DEBUG, 7))


class _Formatter(logging.Formatter):
    """Leaves the secrets of addresses out, also of those in tracebacks and in what libraries say."""

    def format(self, record: logging.LogRecord) -> str:
        return scrubbed(super().format(record))


class _JournalFormatter(_Formatter):
    """Puts the priority that journald reads before every line; journald adds the time itself."""

    def format(self, record: logging.LogRecord) -> str:
        priority = next((value for level, value in _PRIORITIES if record.levelno >= level), 7)
        return "\n".join(f"<{priority}>{line}" for line in super().format(record).splitlines())


def set_up_logging(*, verbose: bool = False, quiet: bool = False) -> None:
    """Log to standard error: information and worse, everything where ``verbose``, only errors where ``quiet``."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        _JournalFormatter("%(name)s: %(message)s")
        if _UNDER_JOURNALD
        else _Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s", "%H:%M:%S")
    )
    level = logging.DEBUG if verbose else logging.ERROR if quiet else logging.INFO
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("edge_agent").setLevel(level)
