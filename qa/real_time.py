"""Hours of the whole agent in real time: do memory, open files or threads grow? ``python -m qa.real_time 2``.

The agent is a process of its own. It watches the simulated classroom at ten frames a second and publishes to a real
Mosquitto. Every few minutes its connection is cut, frozen or away for a while. ``mosquitto_sub`` counts what arrives.
Once a minute, while all is well, the process is measured and a line printed. Exits with 1 if memory grew by more than
3 % after the warm-up, if open files or threads did not stay the same, or if an accepted event did not arrive.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from qa.argument_types import positive
from qa.faults.faults import line_cut, line_half_open
from qa.faults.rig import Rig
from qa.faults.subscribers import MosquittoSub
from tests.support.broker import Subscriber, mosquitto_path, wait_until

_FPS = 10
_SETTINGS = f"""\
[camera]
source = "simulated"
faces = 6
width_px = 640
height_px = 480
fps = {_FPS}
[detector]
kind = "haar"
[summary]
window_s = 5
"""
_SAMPLE_EVERY_S, _DISTURB_EVERY_S = 60.0, 300.0
_SETTLE_S = 20.0
_WARM_UP_SHARE, _MAX_WARM_UP_S = 0.1, 600.0
_MAX_GROWTH = 0.03
_READINGS = 5


@dataclass(frozen=True, slots=True)
class Sample:
    """One measurement of the agent's process.

    Attributes:
        at_s: Seconds since its start.
        rss_kib: Resident memory.
        pss_kib: Resident memory, with what is shared counted in proportion.
        private_kib: Resident memory that is in no file.
        files: Open file descriptors.
        threads: Threads.
        fps: Frames a second in its last report.
    """

    at_s: float
    rss_kib: int
    pss_kib: int
    private_kib: int
    files: int
    threads: int
    fps: float

    def __str__(self) -> str:
        memory = f"RSS {self.rss_kib} KiB, PSS {self.pss_kib} KiB, not in files {self.private_kib} KiB"
        return f"{self.at_s:6.0f} s  {memory}, {self.files} open files, {self.threads} threads, {self.fps:.1f} fps"


@dataclass(frozen=True, slots=True)
class RealTimeSoak:
    """The result of a run.

    Attributes:
        samples: Measurements after the warm-up.
        accepted: Events the agent accepted.
        arrived: How many of them ``mosquitto_sub`` got.
        disturbances: How often the connection was disturbed.
        remarks: Lines of the agent's log that must not be there.
    """

    samples: tuple[Sample, ...]
    accepted: int
    arrived: int
    disturbances: int
    remarks: tuple[str, ...]

    def growth(self, of: Callable[[Sample], int]) -> float:
        """Share by which a memory figure grew: medians of the first and the last sixth of the samples."""
        share = max(1, len(self.samples) // 6)
        first, last = self.samples[:share], self.samples[-share:]
        return statistics.median(map(of, last)) / statistics.median(map(of, first)) - 1.0

    def wrong(self) -> list[str]:
        """Everything that must not be, in words."""
        found = list(self.remarks)
        for name, growth in self.growths().items():
            if growth > _MAX_GROWTH:
                found.append(f"{name} grew by {growth:.1%}")
        for name, counts in (
            ("open files", {sample.files for sample in self.samples}),
            ("threads", {sample.threads for sample in self.samples}),
        ):
            if len(counts) > 1:
                found.append(f"{name}: {sorted(counts)}")
        if self.arrived < self.accepted:
            found.append(f"{self.accepted - self.arrived} events lost")
        return found

    def growths(self) -> dict[str, float]:
        """Growth of each memory figure."""
        return {
            "RSS": self.growth(lambda sample: sample.rss_kib),
            "PSS": self.growth(lambda sample: sample.pss_kib),
            "memory that is in no file": self.growth(lambda sample: sample.private_kib),
        }


def soak(folder: Path, seconds: float, rng: random.Random, report: Callable[[str], object]) -> RealTimeSoak:
    """Run the agent for so long.

    Args:
        folder: Empty.
        seconds: How long, with the warm-up.
        rng: Decides when and how the connection is disturbed.
        report: Gets a line for every measurement and disturbance.
    """
    samples: list[Sample] = []
    disturbances = 0
    with Rig(folder, rng, "") as rig, MosquittoSub(rig.broker, folder) as arrived:
        rig.start("qa.faults.agent", _SETTINGS)
        rig.wait_for_events(1)
        began = time.monotonic()
        warm_at = began + min(_MAX_WARM_UP_S, _WARM_UP_SHARE * seconds)
        end_at = began + seconds
        sample_at, disturb_at = warm_at, began + rng.uniform(0.2, 1.0) * min(_DISTURB_EVERY_S, seconds / 4)
        while (now := time.monotonic()) < end_at:
            if now >= disturb_at:
                how = rng.choice((line_cut, line_half_open, _line_away))
                how(rig)
                report(f"{time.monotonic() - began:6.0f} s  {how.__name__.strip('_').replace('_', ' ')}")
                disturbances += 1
                _wait_for_all(rig, arrived)
                disturb_at = time.monotonic() + rng.uniform(0.5, 1.5) * min(_DISTURB_EVERY_S, seconds / 4)
                time.sleep(min(_SETTLE_S, seconds / 20))
            if time.monotonic() >= sample_at:
                samples.append(_measure(rig, began))
                report(str(samples[-1]))
                sample_at = time.monotonic() + min(_SAMPLE_EVERY_S, seconds / 20)
            time.sleep(0.2)
        rig.fall_quiet()
        _wait_for_all(rig, arrived)
        accepted = set(rig.accepted())
        rig.terminate()
        came = {receipt.event for receipt in arrived.receipts}
        remarks = [line for line in rig.log().splitlines() if " ERROR " in line or "Traceback" in line]
    return RealTimeSoak(tuple(samples), len(accepted), len(accepted & came), disturbances, tuple(remarks))


def _wait_for_all(rig: Rig, arrived: MosquittoSub) -> None:
    """Wait until what is accepted by now has arrived, so that the agent is connected again."""
    accepted = set(rig.accepted())
    wait_until(lambda: accepted <= {receipt.event for receipt in list(arrived.receipts)}, 180.0, "delivery")


def _line_away(rig: Rig) -> None:
    """No network for up to a minute."""
    rig.line.shut()
    rig.pause(5.0, 60.0)
    rig.line.reopen()


def _measure(rig: Rig, began: float) -> Sample:
    """Read the process several times: what is open for a moment only, as while it connects, does not count."""
    process = Path(f"/proc/{rig.pid}")
    readings = []
    for _ in range(_READINGS):
        files = len(list((process / "fd").iterdir()))
        threads = len(list((process / "task").iterdir()))
        readings.append((files, threads))
        time.sleep(0.5)
    status = _kib(process / "status")
    return Sample(
        at_s=time.monotonic() - began,
        rss_kib=status["VmRSS"],
        pss_kib=_kib(process / "smaps_rollup")["Pss"],
        private_kib=status["RssAnon"],
        files=statistics.mode(files for files, _ in readings),
        threads=statistics.mode(threads for _, threads in readings),
        fps=_reported_fps(rig),
    )


def _kib(file: Path) -> dict[str, int]:
    """The values of a file of ``/proc`` that are in kB."""
    fields = (line.split() for line in file.read_text().splitlines())
    return {words[0].rstrip(":"): int(words[1]) for words in fields if words and words[-1] == "kB"}


def _reported_fps(rig: Rig) -> float:
    """Frames a second as the retained ``health`` says."""
    with Subscriber(rig.broker.port, topics=("+/v1/+/+/health",)) as subscriber:
        wait_until(lambda: subscriber.on("health"), what="a report")
        return float(json.loads(subscriber.on("health")[-1].payload)["fps"])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, and print the result."""
    parser = argparse.ArgumentParser(prog="python -m qa.real_time", description=__doc__)
    parser.add_argument("hours", type=positive, help="how long, with the warm-up: 2")
    parser.add_argument("--seed", default="", help="decides when and how the connection is disturbed")
    options = parser.parse_args(arguments)
    if mosquitto_path() is None:
        sys.stderr.write("Mosquitto is not installed (Debian: apt install mosquitto mosquitto-clients)\n")
        return 1
    seed = options.seed or str(random.SystemRandom().randrange(10**6))

    def report(line: str) -> None:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    report(f"seed {seed}")
    with tempfile.TemporaryDirectory() as folder:
        result = soak(Path(folder), options.hours * 3600.0, random.Random(seed), report)
    growths = ", ".join(f"{name} {growth:+.1%}" for name, growth in result.growths().items())
    fps = statistics.median(sample.fps for sample in result.samples)
    files = sorted({sample.files for sample in result.samples})
    threads = sorted({sample.threads for sample in result.samples})
    report(f"first {result.samples[0]}")
    report(f"last  {result.samples[-1]}")
    report(f"growth after the warm-up: {growths}; open files {files}, threads {threads}, {fps:.1f} fps")
    report(f"{result.accepted} events accepted, {result.arrived} arrived; {result.disturbances} disturbances")
    wrong = result.wrong()
    for what in wrong:
        report(f"wrong: {what}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
