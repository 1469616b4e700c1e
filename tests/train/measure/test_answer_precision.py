"""What an answer is worth: counted on sets of faces, at the agent's floor."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.train.faces import bright_halves
from train.fit.provenance import Provenance
from train.measure.answer_precision import measure_answers, measure_hard_answers
from train.measure.predictors import Predictor


def predictor(labels: tuple[str, ...] = ("left", "right")) -> Predictor:
    """It sees which half is bright, and is sure of it."""

    def logits(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        halves = [images[:, :, :24].mean(axis=(1, 2, 3)), images[:, :, 24:].mean(axis=(1, 2, 3))]
        return np.stack(halves, axis=1).astype(np.float32)

    return Predictor("p", "0" * 12, labels, 1, 1.0, "", "", Provenance(), logits)


def test_right_answers_are_counted_by_label() -> None:
    faces = bright_halves(60)
    found = measure_answers(predictor(), faces, "halves")
    assert (
        found.called == found.right == {"left": int((faces.labels == 0).sum()), "right": int((faces.labels == 1).sum())}
    )
    assert (found.answered, found.correct) == (1.0, 1.0)
    assert found.there == found.right


def test_faces_are_counted_by_their_label_too() -> None:
    found = measure_answers(predictor(("left", "up")), bright_halves(60), "halves")
    assert found.there == {"left": int((bright_halves(60).labels == 0).sum()), "up": 0}


def test_a_label_that_the_model_lacks_is_never_right() -> None:
    found = measure_answers(predictor(("left", "up")), bright_halves(60), "halves")
    assert found.right["up"] == 0
    assert found.called["up"] > 0


def test_a_face_with_too_few_gray_levels_gets_no_answer() -> None:
    faces = bright_halves(10)
    faces.images[:4] = 100
    found = measure_answers(predictor(), faces, "halves")
    assert found.answered == pytest.approx(0.6)


def test_hard_faces_are_covered_small_and_dark() -> None:
    found = measure_hard_answers(predictor(), bright_halves(10))
    assert [one.faces for one in found] == [
        "mask, mouth and nose covered",
        "small face, 16 px",
        "darkness, 15% of the light",
    ]
