"""``python -m qa.mutants`` runs all of them against a Mosquitto of its own and prints what caught each.

It ends with 1 where one was not caught, or where the device without a fault was.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from edge_agent.conformance.played_device import PlayedDevice
from qa.mutants import MUTANTS
from qa.mutants.judging import caught_by

_AT_A_TIME = 12


def main() -> int:
    """Run all of them."""
    with tempfile.TemporaryDirectory() as folder:
        port = 21883
        config = Path(folder) / "mosquitto.conf"
        config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 100000\n")
        broker = subprocess.Popen(
            ["mosquitto", "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            time.sleep(1.0)
            return report(port)
        finally:
            broker.terminate()
            broker.wait()


def report(port: int) -> int:
    """Run all of them at a broker, print a table, and give the exit code."""
    whole = caught_by(PlayedDevice, port, "none")
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        found = list(
            pool.map(lambda numbered: caught_by(numbered[1][1], port, f"m{numbered[0]}"), enumerate(MUTANTS.items()))
        )
    print("| fault | caught by clause |\n|---|---|")  # noqa: T201 - a command's output
    for what, clauses in zip(MUTANTS, found, strict=True):
        print(f"| {what} | {', '.join(clauses) or '**not caught**'} |")  # noqa: T201 - a command's output
    missed = sum(not clauses for clauses in found)
    print(f"\n{len(MUTANTS) - missed} of {len(MUTANTS)} caught; without a fault: {', '.join(whole) or 'none fails'}")  # noqa: T201 - a command's output
    return 1 if missed or whole else 0


if __name__ == "__main__":
    sys.exit(main())
