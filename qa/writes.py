"""Measures what the outbox writes to its disk: ``python -m qa.writes 1.0 20`` is one event a second for 20 seconds."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from edge_agent.clock import SystemClock
from edge_agent.config import OutboxSettings
from edge_agent.outbox.outbox import Outbox
from qa.argument_types import positive

_PAYLOAD_BYTES = 450
"""About the size of an expression event."""


def measure(events_per_s: float, seconds: float) -> None:
    """Put events into an outbox at its default settings, acknowledge all at once, and print what was written."""
    with tempfile.TemporaryDirectory() as folder:
        outbox = Outbox(OutboxSettings(path=f"{folder}/outbox.db"), SystemClock())
        outbox.start()
        statements: list[str] = []
        assert outbox._store._disk is not None
        time.sleep(0.5)
        outbox._store._disk._db.set_trace_callback(statements.append)
        before, began, seq = _written(), time.monotonic(), 0
        while time.monotonic() < began + seconds:
            seq += 1
            outbox.put("expression", "01M81KPPFC0N5QFR", seq, b"x" * _PAYLOAD_BYTES, seq)
            time.sleep(1.0 / events_per_s)
            for row in outbox.take(100):
                outbox.delivered(row)
        wrote, took = _written() - before, time.monotonic() - began
        commits = sum(statement == "COMMIT" for statement in statements)
        outbox.close()
    per_hour = 3600.0 / took
    sys.stdout.write(
        f"{seq} events in {took:.0f} s: an hour of it takes {commits * per_hour:.0f} flushed commits and "
        f"{wrote * per_hour / 1e6:.1f} MB written\n"
    )


def _written() -> int:
    """Bytes this process has handed to write(2) and its like."""
    fields = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(fields["wchar"])


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(prog="python -m qa.writes", description=__doc__)
    parser.add_argument("events_per_s", type=positive, help="for example 1.0")
    parser.add_argument("seconds", type=positive, help="how long to measure, for example 20")
    options = parser.parse_args()
    measure(options.events_per_s, options.seconds)


if __name__ == "__main__":
    main()
