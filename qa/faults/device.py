"""A device as a process of its own, so that ``kill -9`` is real: the agent's messaging, with many events a second.

Run as ``python -m qa.faults.device CONFIG ACCEPTED CLOCK RATE SEED``. ``CLOCK`` is a file with the seconds by which
the wall clock is off. SIGUSR1 ends the making of events, SIGTERM ends the process in good order.
"""

from __future__ import annotations

import logging
import random
import signal
import sys
import threading
import time
from pathlib import Path

from edge_agent.clock import SystemClock
from edge_agent.config_file import load_settings
from edge_agent.device.builders import ModelIdentity
from edge_agent.device.messenger import Messenger
from edge_agent.device.publisher import PublisherTiming
from qa.faults.accepted_log import DELIVERED, QUIET, READY, AcceptedLog
from tests.support.samples import a_change, a_report, a_window

TIMING = PublisherTiming(
    retry_base_s=0.2,
    retry_cap_s=0.5,
    refused_floor_s=0.2,
    refused_cap_s=0.3,
    status_wait_s=0.1,
    answer_s=2.0,
    silence_s=1.0,
    steady_s=0.0,
)
_HEALTH_EVERY_S = 0.4
_SUMMARY_SHARE = 0.1


class WrongClock(SystemClock):
    """This machine's clock, wrong by the seconds in a file."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def wall(self) -> float:
        """Seconds since 1970, plus the error."""
        return super().wall() + self._error_s()

    def synced(self) -> bool:
        """Whether it is right."""
        return self._error_s() == 0.0

    def _error_s(self) -> float:
        return float(self._file.read_text() or 0)


def main(config: Path, accepted_file: Path, clock_file: Path, rate: float, seed: int) -> None:
    """Make events until a signal says stop."""
    quiet, stop = threading.Event(), threading.Event()
    signal.signal(signal.SIGUSR1, lambda *_: quiet.set())
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    settings = load_settings(config)
    messenger = Messenger(
        settings, ModelIdentity(("happy", "sad"), "9f86d081884c"), clock=WrongClock(clock_file), timing=TIMING
    )
    accepted_log = AcceptedLog(messenger, accepted_file)
    accepted_log.write_word(READY)
    messenger.start()
    rng = random.Random(seed)
    written: set[str] = set()
    health_at = 0.0
    while not stop.is_set():
        if not quiet.is_set():
            for _ in range(rng.choice((1, 1, 1, 5, 20))):
                if rng.random() < _SUMMARY_SHARE:
                    messenger.summary(a_window())
                else:
                    messenger.expression(a_change())
        accepted_log.update()
        if quiet.is_set() and not accepted_log.waiting:
            now = {QUIET, DELIVERED} if messenger.statistics().outbox.pending == 0 else {QUIET}
            for word in sorted(now - written, reverse=True):
                accepted_log.write_word(word)
            written |= now
        if time.monotonic() >= health_at:
            messenger.health(a_report())
            health_at = time.monotonic() + _HEALTH_EVERY_S
        stop.wait(rng.expovariate(rate / 5.6))
    messenger.stop(drain_s=1.0)
    accepted_log.update()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    config_file, accepted_path, clock_path = map(Path, sys.argv[1:4])
    main(config_file, accepted_path, clock_path, float(sys.argv[4]), int(sys.argv[5]))
