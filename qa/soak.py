"""A school day in simulated time: does the memory of the device's messaging grow? ``python -m qa.soak 60000``.

Every event goes through the real outbox and a real broker, which is away twice. Only the clock is simulated: reports,
retention and lateness see eight hours pass. Prints the memory after the first tenth and at the end. Exits with 1 if it
grew by more than 5 %, or if an event was lost.
"""

from __future__ import annotations

import argparse
import gc
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from edge_agent.config import DeviceSettings, MqttSettings, OutboxSettings, PrivacySettings, Settings
from edge_agent.device.builders import ModelIdentity
from edge_agent.device.messenger import Messenger
from qa.argument_types import count
from qa.faults.device import TIMING
from tests.support.broker import mosquitto_path, running_mosquitto, wait_until
from tests.support.clocks import SteppedClock
from tests.support.proxy import Proxy
from tests.support.samples import a_change, a_report, a_window

DAY_S = 8 * 3600.0
_HEALTH_EVERY_S, _WINDOW_S = 30.0, 5.0
_MAX_WAITING, _MAX_UNSTORED = 1000, 100
_MAX_GROWTH = 0.05


@dataclass(frozen=True, slots=True)
class Soak:
    """The result of a simulated day.

    Attributes:
        events: Events made.
        delivered: Events acknowledged by the broker.
        lost: Events deleted unsent.
        tenth_kib: Memory of the process after the first tenth of the day, in KiB.
        end_kib: The same at the end.
    """

    events: int
    delivered: int
    lost: int
    tenth_kib: int
    end_kib: int

    @property
    def growth(self) -> float:
        """Share by which memory grew after the first tenth."""
        return self.end_kib / self.tenth_kib - 1.0


def soak(folder: Path, expressions: int) -> Soak:
    """Run a day with so many expression events, a summary every five seconds and a report every thirty."""
    clock = SteppedClock()
    with running_mosquitto(folder) as broker, Proxy(broker.port) as line:
        settings = Settings(
            device=DeviceSettings(site="north", id="pi-3a"),
            privacy=PrivacySettings(level="faces"),
            mqtt=MqttSettings(host="127.0.0.1", port=line.port),
            outbox=OutboxSettings(path=str(folder / "outbox.db"), keep_delivered_h=2.0, commit_s=0.02),
        )
        messenger = Messenger(settings, ModelIdentity(("happy", "sad"), "9f86d081884c"), clock=clock, timing=TIMING)
        messenger.start()
        made = tenth_kib = 0
        outages = (expressions // 20, expressions // 2)
        health_at = window_at = 0.0
        try:
            for number in range(expressions):
                clock.advance(DAY_S / expressions)
                passed = number * DAY_S / expressions
                messenger.expression(a_change(observed_at=clock.monotonic()))
                made += 1
                if passed >= window_at:
                    window_at += _WINDOW_S
                    messenger.summary(a_window(started_at=clock.monotonic() - _WINDOW_S))
                    made += 1
                if passed >= health_at:
                    health_at += _HEALTH_EVERY_S
                    messenger.health(a_report())
                if number in outages:
                    line.shut()
                if number - expressions // 40 in outages:
                    line.reopen()
                if number % 100 == 0:
                    _wait_until_stored(messenger, made)
                    if messenger.statistics().outbox.pending > _MAX_WAITING and not line.is_shut:
                        wait_until(lambda: messenger.statistics().outbox.pending < _MAX_WAITING // 2, 120.0, "delivery")
                if number == expressions // 10:
                    tenth_kib = _memory_kib(messenger, made)
            end_kib = _memory_kib(messenger, made)
            statistics = messenger.statistics()
            return Soak(made, sum(statistics.outbox.delivered.values()), statistics.outbox.lost, tenth_kib, end_kib)
        finally:
            messenger.stop(drain_s=0.0)


def _wait_until_stored(messenger: Messenger, made: int) -> None:
    """Wait for the disk: simulated time passes faster than it can write, and a queue before it proves nothing."""
    wait_until(lambda: made - messenger.statistics().outbox.accepted < _MAX_UNSTORED, 120.0, "storing")


def _memory_kib(messenger: Messenger, made: int) -> int:
    """Memory of this process that is not in files, once everything is delivered."""
    wait_until(lambda: sum(messenger.statistics().outbox.delivered.values()) == made, 120.0, "delivery")
    gc.collect()
    status = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in status if line.startswith("RssAnon")).split()[1])


def main() -> int:
    """Run a day and print the result."""
    parser = argparse.ArgumentParser(prog="python -m qa.soak", description=__doc__)
    parser.add_argument("expressions", type=count, help="expression events of the day, for example 60000")
    options = parser.parse_args()
    if mosquitto_path() is None:
        sys.stderr.write("Mosquitto is not installed (Debian: apt install mosquitto)\n")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        day = soak(Path(folder), options.expressions)
    memory = f"{day.tenth_kib} KiB after a tenth, {day.end_kib} KiB at the end ({day.growth:+.1%})"
    sys.stdout.write(f"{day.events} events, {day.delivered} delivered, {day.lost} lost; memory {memory}\n")
    return 1 if day.growth > _MAX_GROWTH or day.lost or day.delivered != day.events else 0


if __name__ == "__main__":
    sys.exit(main())
