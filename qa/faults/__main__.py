"""Run rounds of faults: ``python -m qa.faults --rounds 200 --seed 7``. Exits with 1 if anything was lost or wrong."""

from __future__ import annotations

import argparse
import multiprocessing
import random
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed

from qa.argument_types import count
from qa.faults.series import run_number
from qa.faults.table import lost, outcome_table
from tests.support.broker import mosquitto_path


def main() -> int:
    """Run the rounds side by side and print the table."""
    parser = argparse.ArgumentParser(prog="python -m qa.faults", description=__doc__)
    parser.add_argument("--rounds", type=count, default=200, help="how many")
    parser.add_argument("--seed", default="", help="repeats a series; random if left out")
    parser.add_argument("--only", type=int, default=0, help="run only this round of the series")
    parser.add_argument("--faults", default="", help="only those in whose name this regular expression is found")
    parser.add_argument("--jobs", type=count, default=3, help="rounds side by side")
    options = parser.parse_args()
    if mosquitto_path() is None:
        sys.stderr.write("Mosquitto is not installed (Debian: apt install mosquitto mosquitto-clients)\n")
        return 1
    seed = options.seed or str(random.SystemRandom().randrange(10**6))
    numbers = [options.only] if options.only else range(1, options.rounds + 1)
    sys.stdout.write(f"seed {seed}\n")
    began = time.monotonic()
    outcomes = []
    with ProcessPoolExecutor(options.jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        waiting = {pool.submit(run_number, number, seed, options.faults): number for number in numbers}
        for done in as_completed(waiting):
            outcome, folder = done.result()
            outcomes.append(outcome)
            if outcome.wrong:
                again = f"python -m qa.faults --seed {seed} --faults '{options.faults}' --only {waiting[done]}"
                sys.stdout.write(f"round {waiting[done]}, {outcome.fault} ({again}; {folder}):\n")
                sys.stdout.writelines(f"    {what}\n" for what in outcome.wrong[:5])
            elif len(outcomes) % 10 == 0:
                sys.stdout.write(f"{len(outcomes)} of {len(numbers)} rounds\n")
            sys.stdout.flush()
    wrong = sum(bool(outcome.wrong) for outcome in outcomes)
    took = f"{len(outcomes)} rounds in {time.monotonic() - began:.0f} s"
    losses = f"{lost(outcomes)} events lost, {sum(outcome.reported for outcome in outcomes)} of them reported as gaps"
    sys.stdout.write(f"\n{outcome_table(outcomes)}\n\nseed {seed}, {took}, {losses}, {wrong} rounds wrong\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
