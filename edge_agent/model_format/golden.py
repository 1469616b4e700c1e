"""Golden faces: a few drawn faces that travel with a model, and what it answered to them where it was exported.

A device runs them through its own runtime before it takes a model, so that a processor or a runtime that calculates
wrongly is found before a lesson and not in it. The pixels travel, not the way to draw them: a newer drawing must not
make old models look wrong.
"""

from __future__ import annotations

import math

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge_agent.errors import CheckFailed

ALLOWED_STEPS = 2
"""How far an answer may be from the recorded one, in steps of the output, of which an int8 model has 256. Processors
round differently: between x86 and emulated 64-bit ARM one step was seen."""


class Golden(msgspec.Struct, frozen=True, kw_only=True):
    """Drawn faces and the answers to them.

    Attributes:
        drawn: What each face is, for people: ``happy, person 3``.
        shape: ``(N, 48, 48, C)``.
        faces: That many uint8 levels, row by row; base64 in JSON.
        logits: The model's outputs for each face, before temperature and softmax.
        runtime: What calculated them.
    """

    drawn: tuple[str, ...]
    shape: tuple[int, int, int, int]
    faces: bytes
    logits: tuple[tuple[float, ...], ...]
    runtime: str = ""

    def images(self) -> NDArray[np.uint8]:
        """The faces as ``uint8 (N, 48, 48, C)``."""
        return np.frombuffer(self.faces, np.uint8).reshape(self.shape)

    def problem(self, one: tuple[int, int, int], labels: int) -> str:
        """Why this cannot belong to a model that takes faces of shape ``one`` and has so many labels; else empty."""
        count = self.shape[0]
        if count < 1 or self.shape[1:] != one or len(self.faces) != math.prod(self.shape):
            return f"{len(self.faces)} levels for faces of shape {self.shape}, expected shape (N, {one})"
        if len(self.logits) != count or any(len(row) != labels for row in self.logits):
            return f"{len(self.logits)} rows of answers, expected {count} of {labels}"
        return ""


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
