"""Whether a runtime answers the golden faces as recorded.

Runtimes round differently, so no single answer says much; all of them together do. ``python -m qa.golden_spread``
measures both sides for a bundle, with int8 models, in steps of the output:

- Healthy: LiteRT 2.3 (XNNPACK), its kernels without XNNPACK and its reference kernels, TensorFlow 2.21 and
  tflite-runtime 2.14 by one and two threads, over 1,000 groups of seven drawn faces. Between any two of them a single
  answer differs by 3 at most with edge, by 2 with edge-tiny, and by 4 with an edge model that was bundled earlier. The
  mean over a group is 0.82 at most. A limit of 2 for single answers would refuse up to 8 % of the groups (edge; 27 %
  with the earlier one).
- Damaged: 1,000 models with a bit, a byte or up to 512 bytes of the weights changed, or two halves of a tensor
  exchanged. All that change the label of one in twenty faces are refused (52 with edge, 263 with edge-tiny). A single
  bit of the weights hardly changes an answer: signature and checksum are there for it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_agent.errors import CheckFailed
from edge_agent.model_format.golden import Golden

ALLOWED_STEPS = 6
"""How far a single answer may be from the recorded one, in steps of the output, of which an int8 model has 256."""

ALLOWED_MEAN_STEPS = 1.25
"""How far all answers may be from the recorded ones on average."""

_HAIR = 1e-3  # recorded answers are decimals


@dataclass(frozen=True, slots=True)
class Distance:
    """How far answers are from the recorded ones, in steps of the output.

    Attributes:
        largest: Of a single answer.
        mean: Over all answers.
    """

    largest: float
    mean: float


def golden_faces(golden: Golden) -> NDArray[np.uint8]:
    """The faces as ``uint8 (N, 48, 48, C)``."""
    return np.frombuffer(golden.faces, np.uint8).reshape(golden.shape)


def distance(recorded: NDArray[np.floating], logits: NDArray[np.floating], step: float | None) -> Distance:
    """The distance between two sets of answers, each ``(N, K)``; infinite where an answer is no number.

    Args:
        recorded: What was recorded.
        logits: The answers of this machine.
        step: Value of one step of the output; ``None`` for a float model, where 1/256 of the spread of the recorded
            answers takes its place.
    """
    unit = step or float(np.ptp(recorded)) / 256
    apart = np.abs(np.asarray(logits, np.float64) - np.asarray(recorded, np.float64))
    if unit <= 0 or not np.isfinite(apart).all():
        return Distance(math.inf, math.inf)
    return Distance(float(apart.max()) / unit, float(apart.mean()) / unit)


def is_as_recorded(recorded: NDArray[np.floating], logits: NDArray[np.floating], step: float | None) -> bool:
    """Whether answers are within :data:`ALLOWED_STEPS` and :data:`ALLOWED_MEAN_STEPS` of the recorded ones."""
    apart = distance(recorded, logits, step)
    return apart.largest <= ALLOWED_STEPS + _HAIR and apart.mean <= ALLOWED_MEAN_STEPS + _HAIR


def check_golden(golden: Golden, logits: NDArray[np.float32], step: float | None) -> float:
    """Compare a runtime's answers with the recorded ones.

    Args:
        golden: What was recorded.
        logits: ``float32 (N, K)``, the answers of this machine.
        step: As for :func:`distance`.

    Returns:
        The largest difference in steps.

    Raises:
        CheckFailed: It is larger than :data:`ALLOWED_STEPS`, the mean is larger than :data:`ALLOWED_MEAN_STEPS`, or an
            answer is no number.
    """
    recorded = np.asarray(golden.logits, np.float64)
    apart = distance(recorded, logits, step)
    if is_as_recorded(recorded, logits, step):
        return apart.largest
    if apart.largest <= ALLOWED_STEPS + _HAIR:
        raise CheckFailed(
            f"the {len(recorded)} golden faces",
            received=f"answers {apart.mean:.2f} steps from the recorded ones on average",
            expected=f"at most {ALLOWED_MEAN_STEPS:g} of 256",
        )
    worst = int(np.abs(logits - recorded).max(axis=1).argmax())  # a NaN counts as the largest
    raise CheckFailed(
        f"golden face {worst + 1} ({golden.drawn[worst] if worst < len(golden.drawn) else 'drawn'})",
        received=f"an answer {apart.largest:.1f} steps from the recorded one",
        expected=f"at most {ALLOWED_STEPS} of 256",
    )
