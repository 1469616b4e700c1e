"""What `edge-agent run` holds in memory while it watches the simulated class: ``python -m qa.memory``.

With ``--against`` an agent of another checkout runs at the same time, so that what else the machine does meets both
alike. Each has a Mosquitto to publish to, and its outbox on the disk. Figures are medians of readings of
``/proc/PID/smaps``, and so are the shares. Needs Linux, Mosquitto and YuNet's weights.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge_agent.command_line import run_app
from edge_agent.errors import CheckFailed, InputError
from edge_agent.vision.detector import FETCH_COMMAND
from edge_agent.vision.weights import find_weights
from fleet.loadtest.local_broker import HOST, local_broker
from qa.argument_types import count, positive

HERE: Final = Path(__file__).parents[1]
SETTINGS: Final = """\
[device]
site = "memory"
id = "{device}"
[camera]
source = "simulated"
faces = {people}
[detector]
kind = "yunet"
weights = "{weights}"
[outbox]
path = "{outbox}"
[mqtt]
host = "{host}"
port = {port}
"""
_READ_EVERY_S: Final = 0.2
_HEADER: Final = re.compile(r"[0-9a-f]+-[0-9a-f]+ \S{4} \S+ \S+ \d+ *(.*)")
_FILES_SHOWN: Final = 8


@dataclass(frozen=True, slots=True)
class Reading:
    """A process's resident memory at one moment, in bytes.

    Attributes:
        anonymous: What is in no file, with the pages of files that were changed.
        files: Unchanged pages of files, by the file's name.
    """

    anonymous: int
    files: dict[str, int]

    @property
    def resident(self) -> int:
        """All of it."""
        return self.anonymous + sum(self.files.values())


def reading(smaps: str) -> Reading:
    """What ``/proc/PID/smaps`` says."""
    files: Counter[str] = Counter()
    anonymous = 0
    name = ""
    for line in smaps.splitlines():
        header = _HEADER.match(line)
        if header:
            name = header[1]
            continue
        key, _, value = line.partition(":")
        if key == "Rss" and name.startswith("/"):
            files[Path(name).name] += _bytes(value)
        elif key == "Anonymous":
            anonymous += _bytes(value)
            if name.startswith("/"):
                files[Path(name).name] -= _bytes(value)
    return Reading(anonymous, dict(files))


def _bytes(value: str) -> int:
    return int(value.split()[0]) * 1024


def lines_for(which: str, readings: Sequence[Reading], highest: int, processor: float) -> list[str]:
    """The lines to print about one agent.

    Args:
        which: Whose.
        readings: At least one.
        highest: Resident bytes at the highest since its start, by the kernel.
        processor: Share of one core that it took meanwhile.
    """
    resident = sorted(one.resident for one in readings)
    files = {
        name: statistics.median(one.files.get(name, 0) for one in readings)
        for name in sorted({name for one in readings for name in one.files})
    }
    largest = sorted(files, key=lambda name: -files[name])[:_FILES_SHOWN]
    return [
        f"{which}: resident {_mb(statistics.median(resident))} MB ({_mb(resident[0])} to {_mb(resident[-1])}; "
        f"{_mb(highest)} at the highest since the start), {processor:.1%} of a core",
        f"  in no file  {_mb(statistics.median(one.anonymous for one in readings)):>6}",
        f"  in files    {_mb(sum(files.values())):>6}",
        *(f"    {name[:40]:40} {_mb(files[name]):>6}" for name in largest),
    ]


def _mb(size: float) -> str:
    return f"{size / 1e6:.1f}"


@contextmanager
def agent(checkout: Path, folder: Path, settings: str) -> Iterator[subprocess.Popen[bytes]]:
    """A running agent of a checkout; it is stopped with the context."""
    file = folder / "agent.toml"
    file.write_text(settings, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    command = [sys.executable, "-m", "edge_agent.cli", "run", "--config", str(file)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=checkout, env=environment, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.terminate()
            process.wait()


def measure(checkouts: Sequence[Path], weights: Path, people: int, after_s: float, seconds: float) -> list[str]:
    """Run an agent of each checkout and say what they hold.

    Args:
        checkouts: This one first.
        weights: YuNet's.
        people: Of the simulated class.
        after_s: How long they run before they are read.
        seconds: How long they are read.

    Raises:
        BrokerError: Mosquitto cannot be started.
        CheckFailed: An agent ended.
    """
    readings: list[list[Reading]] = [[] for _ in checkouts]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="memory-")))
        broker = stack.enter_context(local_broker(folder))
        agents = []
        for number, checkout in enumerate(checkouts):
            own = folder / str(number)
            own.mkdir()
            settings = SETTINGS.format(
                device=number, people=people, weights=weights, outbox=own / "outbox.db", host=HOST, port=broker.port
            )
            agents.append(stack.enter_context(agent(checkout, own, settings)))
        began_s = time.monotonic()
        before: list[float] = []
        while not before or time.monotonic() - began_s < after_s:
            time.sleep(_READ_EVERY_S)
            before = [_running(one, folder / str(number)) for number, one in enumerate(agents)]
        began_s = time.monotonic()
        while not readings[0] or time.monotonic() - began_s < seconds:
            for number, (one, kept) in enumerate(zip(agents, readings, strict=True)):
                _running(one, folder / str(number))
                kept.append(reading(Path(f"/proc/{one.pid}/smaps").read_text(encoding="utf-8")))
            time.sleep(_READ_EVERY_S)
        took_s = time.monotonic() - began_s
        lines = []
        for number, (one, kept) in enumerate(zip(agents, readings, strict=True)):
            processor = (_running(one, folder / str(number)) - before[number]) / took_s
            lines += lines_for("the other" if number else "this", kept, _highest(one.pid), processor)
        return lines


def _running(process: subprocess.Popen[bytes], folder: Path) -> float:
    """Seconds of processor time that an agent has taken.

    Raises:
        CheckFailed: It has ended.
    """
    if process.poll() is not None:
        said = (folder / "log").read_text(encoding="utf-8", errors="replace").strip().splitlines()
        raise CheckFailed(f"an agent ended with code {process.returncode}: {' '.join(said[-1:])}")
    fields = Path(f"/proc/{process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _highest(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return next(_bytes(line.partition(":")[2]) for line in status.splitlines() if line.startswith("VmHWM:"))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m qa.memory", description="Measure what the agent holds in memory.")
    parser.add_argument("--against", type=Path, help="another checkout, for example of an earlier version")
    parser.add_argument("--weights", type=Path, help="YuNet's ONNX file, if it was not fetched to its own place")
    parser.add_argument("--people", type=count, default=12, help="in the simulated class (12)")
    parser.add_argument("--after", type=positive, default=100.0, help="seconds before the agents are read (100)")
    parser.add_argument("--seconds", type=positive, default=60.0, help="for which they are read (60)")
    chosen = parser.parse_args()
    run_app(lambda: _measure_and_print(chosen))


def _measure_and_print(chosen: argparse.Namespace) -> None:
    weights = chosen.weights or find_weights()
    if weights is None or not weights.is_file():
        raise InputError(
            f"{weights}: no such file" if weights else "YuNet's weights are missing",
            remedy=f"Get them with '{FETCH_COMMAND}', or name the file with --weights",
        )
    checkouts = [HERE, *([chosen.against.resolve()] if chosen.against else [])]
    if not all((checkout / "edge_agent" / "cli").is_dir() for checkout in checkouts):
        raise InputError(f"{chosen.against}: no checkout of the agent", remedy="Make one with 'git worktree add'")
    for line in measure(checkouts, weights.resolve(), chosen.people, chosen.after, chosen.seconds):
        sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
