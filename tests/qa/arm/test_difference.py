"""How two machines are compared."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_agent.vision.classifier import softmax
from qa.arm.difference import compare, quantization_step

STEP = 0.039


def logits(*rows: list[int]) -> NDArray[np.float32]:
    """Float outputs of an int8 model, given in its steps."""
    return (np.array(rows) * STEP).astype(np.float32)


def test_the_step_is_estimated_from_the_values() -> None:
    assert quantization_step(logits([0, 3, -7], [4, 12, -7])) == pytest.approx(STEP, rel=1e-4)


def test_equal_outputs_have_no_difference() -> None:
    ours = logits([0, 1, 20], [5, 30, 2])
    found = compare(ours, ours, softmax(ours), softmax(ours))
    assert (found.faces, found.equal, found.steps, found.probability, found.labels_differ) == (2, 1.0, 0, 0.0, 0)


def test_one_rounding_is_one_step() -> None:
    ours, theirs = logits([0, 1, 20], [5, 30, 2]), logits([0, 1, 21], [5, 30, 2])
    found = compare(ours, theirs, softmax(ours), softmax(theirs))
    assert found.steps == 1
    assert found.equal == pytest.approx(5 / 6)
    assert 0 < found.probability < 1


def test_a_tie_broken_otherwise_is_distinguished_from_another_answer() -> None:
    ours, theirs = logits([10, 10, 0], [40, 0, 0]), logits([10, 11, 0], [40, 0, 0])
    tie = compare(ours, theirs, softmax(ours), softmax(theirs))
    assert (tie.labels_differ, tie.decided_differ) == (1, 0)
    p_ours = np.array([[0.9, 0.1], [0.65, 0.35]], np.float32)
    p_theirs = np.array([[0.9, 0.1], [0.45, 0.55]], np.float32)
    assert compare(ours[:, :2], theirs[:, :2], p_ours, p_theirs).decided_differ == 1
