"""How long a program of the client and a command take to start: ``python -m qa.startup [--against CHECKOUT]``.

Each run is a process of its own. With ``--against`` the runs of both checkouts alternate, so that what else the machine
does meets both alike. Processor time is user and system time; the interpreter's own start is a row for comparison.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from qa.argument_types import count

HERE = Path(__file__).parents[1]
STARTS = {
    "python alone": ["-c", "pass"],
    "import edge_agent.client": ["-c", "import edge_agent.client"],
    "edge-agent --help": ["-m", "edge_agent.cli", "--help"],
}
_ROW = "{:26}{:>14}{:>12}{:>16}\n"


@dataclass(frozen=True, slots=True)
class Start:
    """What one start took, in seconds."""

    processor_s: float
    wall_s: float


def start(arguments: list[str], checkout: Path, compiled: Path) -> Start:
    """Start Python once with a checkout's packages, whose compiled files are kept in the folder ``compiled``.

    Raises:
        RuntimeError: The program failed.
    """
    environ = {**os.environ, "PYTHONPATH": str(checkout), "PYTHONPYCACHEPREFIX": str(compiled)}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, *arguments], cwd=checkout, env=environ, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    wall_s = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"{checkout}: {' '.join(arguments)} ended with {process.returncode}")
    return Start(used.ru_utime + used.ru_stime, wall_s)


def measure(checkouts: list[Path], runs: int) -> dict[tuple[str, Path], list[Start]]:
    """Every start by its name and checkout. One more of each comes first, which writes the compiled files."""
    found: dict[tuple[str, Path], list[Start]] = {(name, checkout): [] for name in STARTS for checkout in checkouts}
    with tempfile.TemporaryDirectory(prefix="startup-") as compiled:
        for run in range(runs + 1):
            for (name, checkout), starts in found.items():
                once = start(STARTS[name], checkout, Path(compiled))
                if run:
                    starts.append(once)
    return found


def main() -> None:
    """Measure and print the medians in milliseconds."""
    parser = argparse.ArgumentParser(prog="python -m qa.startup", description="Measure how long starting takes.")
    parser.add_argument("--runs", type=count, default=20)
    parser.add_argument("--against", type=Path, help="another checkout, for example of an earlier version")
    arguments = parser.parse_args()
    checkouts = [HERE, *([arguments.against.resolve()] if arguments.against else [])]
    sys.stdout.write(_ROW.format(f"medians of {arguments.runs} starts", "processor ms", "wall ms", "checkout"))
    for (name, checkout), starts in measure(checkouts, arguments.runs).items():
        processor_ms = statistics.median(once.processor_s for once in starts) * 1000
        wall_ms = statistics.median(once.wall_s for once in starts) * 1000
        which = "this" if checkout == HERE else "the other"
        sys.stdout.write(_ROW.format(name, f"{processor_ms:.0f}", f"{wall_ms:.0f}", which))


if __name__ == "__main__":
    main()
