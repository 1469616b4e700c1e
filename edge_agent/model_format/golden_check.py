"""Whether a runtime answers the golden faces as recorded."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from edge_agent.errors import CheckFailed
from edge_agent.model_format.golden import Golden

ALLOWED_STEPS = 2
"""How far an answer may be from the recorded one, in steps of the output, of which an int8 model has 256. Processors
round differently: between x86 and emulated 64-bit ARM one step was seen."""


def golden_faces(golden: Golden) -> NDArray[np.uint8]:
    """The faces as ``uint8 (N, 48, 48, C)``."""
    return np.frombuffer(golden.faces, np.uint8).reshape(golden.shape)


def check_golden(golden: Golden, logits: NDArray[np.float32], step: float | None) -> float:
    """Compare a runtime's answers with the recorded ones.

    Args:
        golden: What was recorded.
        logits: ``float32 (N, K)``, the answers of this machine.
        step: Value of one step of the output; ``None`` for a float model, where 1/256 of the spread of the recorded
            answers takes its place.

    Returns:
        The largest difference in steps.

    Raises:
        CheckFailed: It is larger than :data:`ALLOWED_STEPS`, or an answer is no number.
    """
    recorded = np.asarray(golden.logits, np.float64)
    unit = step or float(np.ptp(recorded)) / 256
    apart = np.abs(logits.astype(np.float64) - recorded)
    largest = float(apart.max()) / unit if unit > 0 else math.inf
    # Turned round, so that an answer that is no number fails; recorded ones are decimals, hence the hair's breadth.
    if not largest <= ALLOWED_STEPS + 1e-3:
        worst = int(apart.max(axis=1).argmax())  # a NaN counts as the largest
        raise CheckFailed(
            f"golden face {worst + 1} ({golden.drawn[worst] if worst < len(golden.drawn) else 'drawn'})",
            received=f"an answer {largest:.1f} steps from the recorded one",
            expected=f"at most {ALLOWED_STEPS} of 256",
        )
    return largest
