"""A series of rounds: which faults, in which order, each by its number."""

from __future__ import annotations

import random
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from qa.faults.faults import FAULTS, Fault
from qa.faults.rounds import Outcome, run_round_safely


def fault_sequence(seed: str, named: str = "") -> Iterator[Fault]:
    """Faults in random order, each as often as its share says. The same seed gives the same order.

    Args:
        seed: Decides the order.
        named: A regular expression; only faults in whose name it is found.
    """
    faults = [fault for fault in FAULTS if re.search(named, fault.name)]
    rng = random.Random(seed)
    owed = dict.fromkeys(range(len(faults)), 0.0)
    while faults:
        for number in rng.sample(range(len(faults)), len(faults)):
            owed[number] += faults[number].share
            if owed[number] >= 1.0 - 1e-9:
                owed[number] -= 1.0
                yield faults[number]


def run_number(number: int, seed: str, named: str = "") -> tuple[Outcome, Path | None]:
    """Run one round of a series; the outcome, and the folder of its logs if something was wrong, else ``None``."""
    faults = fault_sequence(seed, named)
    fault = [next(faults) for _ in range(number)][-1]
    folder = Path(tempfile.mkdtemp(prefix=f"faults-{number}-"))
    outcome = run_round_safely(fault, f"{seed}/{number}", folder)
    if outcome.wrong:
        return outcome, folder
    shutil.rmtree(folder)
    return outcome, None
