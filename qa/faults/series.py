"""A series of rounds: which faults, in which order, each by its number."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from qa.faults.faults import FAULTS, Fault
from qa.faults.rounds import Outcome, run_round_safely


def fault_sequence(seed: str) -> Iterator[Fault]:
    """Faults in random order, each as often as its share says. The same seed gives the same order."""
    rng = random.Random(seed)
    owed = dict.fromkeys(range(len(FAULTS)), 0.0)
    while True:
        for number in rng.sample(range(len(FAULTS)), len(FAULTS)):
            owed[number] += FAULTS[number].share
            if owed[number] >= 1.0 - 1e-9:
                owed[number] -= 1.0
                yield FAULTS[number]


def run_number(number: int, seed: str) -> tuple[Outcome, Path | None]:
    """Run one round of a series; the outcome, and the folder of its logs if something was wrong, else ``None``."""
    faults = fault_sequence(seed)
    fault = [next(faults) for _ in range(number)][-1]
    folder = Path(tempfile.mkdtemp(prefix=f"faults-{number}-"))
    outcome = run_round_safely(fault, f"{seed}/{number}", folder)
    if outcome.wrong:
        return outcome, folder
    shutil.rmtree(folder)
    return outcome, None
