"""A bundle's golden faces on an emulated board, run by the program that validates a published model on a device."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from edge_agent.errors import CheckFailed
from edge_agent.model_format.bundle import pack_bundle, read_bundle
from edge_agent.model_format.golden_check import ALLOWED_STEPS
from qa.arm.emulator import Board

_RUNTIME: Final = "auto"
_THREADS: Final = "1"


def golden_steps(board: Board, bundle: Path) -> float:
    """How far the board's answers are from the recorded ones, in steps of the output.

    Raises:
        CheckFailed: They are further than a device allows, or the bundle cannot be validated.
    """
    command = board.python("-m", "edge_agent.update.sandboxed_validation", str(bundle), str(bundle), _RUNTIME, _THREADS)
    done = subprocess.run(command, env=board.environment(), capture_output=True, text=True, check=False)
    try:
        found = json.loads(done.stdout)
    except ValueError:
        last = done.stderr.strip()[-500:] or f"exit code {done.returncode}"
        raise CheckFailed(f"sandboxed validation of a bundle on {board.processor.name}", received=last) from None
    if done.returncode != 0:
        raise CheckFailed(found["reason"])
    return float(found["steps"])


def with_wrong_answer(bundle: Path, target: Path) -> Path:
    """A copy whose first recorded answer is wrong by one step more than a device allows.

    Raises:
        CheckFailed: It has no golden faces.
    """
    given = read_bundle(bundle)
    if given.golden is None:
        raise CheckFailed("the bundled model has no golden faces", remedy="Add them with `python -m export golden`")
    first, *others = given.golden.logits
    moved = (first[0] + (ALLOWED_STEPS + 1) * (given.output_step or 1.0), *first[1:])
    target.write_bytes(pack_bundle(given.flatbuffer, given.metadata, replace(given.golden, logits=(moved, *others))))
    return target
