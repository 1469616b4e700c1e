"""How far two machines differ on the same faces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Difference:
    """Two machines' outputs, compared.

    Attributes:
        faces: How many faces were classified.
        equal: Share of int8 outputs that are the same.
        steps: Largest distance of two int8 outputs, in steps of the output's own quantization.
        probability: Largest distance of two probabilities.
        labels_differ: Faces whose most probable label differs.
        decided_differ: Those among them where the first machine's two most probable labels differ by more than
            ``probability``, so that it was not a tie.
    """

    faces: int
    equal: float
    steps: int
    probability: float
    labels_differ: int
    decided_differ: int


def quantization_step(logits: NDArray[np.float32]) -> float:
    """The distance of neighbouring int8 outputs, estimated from the values that occur; 1.0 where only one does."""
    gaps = np.diff(np.unique(logits.astype(np.float64).round(6)))
    return float(gaps.min()) if gaps.size else 1.0


def compare(
    ours: NDArray[np.float32], theirs: NDArray[np.float32], p_ours: NDArray[np.float32], p_theirs: NDArray[np.float32]
) -> Difference:
    """Compare logits and probabilities, each ``float32 (N, K)``, of the same ``N`` faces."""
    steps = np.rint(np.abs(ours - theirs) / quantization_step(np.concatenate([ours, theirs]))).astype(int)
    largest = float(np.abs(p_ours - p_theirs).max())
    other = p_ours.argmax(axis=1) != p_theirs.argmax(axis=1)
    ranked = np.sort(p_ours, axis=1)
    decided = other & (ranked[:, -1] - ranked[:, -2] > largest)
    return Difference(
        faces=len(ours),
        equal=float((steps == 0).mean()),
        steps=int(steps.max()),
        probability=largest,
        labels_differ=int(other.sum()),
        decided_differ=int(decided.sum()),
    )
