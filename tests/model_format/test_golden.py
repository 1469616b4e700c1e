"""Golden faces: what travels with a model, and when an answer counts as the recorded one."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec.structs import replace

from edge_agent.errors import CheckFailed, ModelError
from edge_agent.model_format.bundle import pack_bundle, read_bundle, unpack_bundle
from edge_agent.model_format.golden import Golden
from edge_agent.model_format.golden_check import check_golden, golden_faces
from edge_agent.vision.classifier import BUNDLED_MODEL, Classifier
from tests.support.golden_models import dense_bundle
from tests.support.tflite_models import dense_model, metadata

LOGITS = np.array([[0.0, 2.56], [1.0, -1.0]], np.float32)
GOLDEN = Golden(
    drawn=("happy", "sad"),
    shape=(2, 48, 48, 1),
    faces=bytes(2 * 48 * 48),
    logits=tuple(tuple(float(value) for value in row) for row in LOGITS),
)


def test_a_bundle_carries_its_golden_faces_and_the_model_still_answers_them() -> None:
    bundle = unpack_bundle(dense_bundle(), "dense")
    assert bundle.golden is not None
    assert len({face.tobytes() for face in golden_faces(bundle.golden)}) == len(bundle.golden.drawn) == 7
    assert (
        check_golden(bundle.golden, Classifier(bundle).logits(golden_faces(bundle.golden)), bundle.output_step) < 0.01
    )


def test_the_step_of_an_int8_models_output_is_read_from_the_model() -> None:
    step = read_bundle(BUNDLED_MODEL).output_step
    assert step is not None
    logits = Classifier.load().logits(np.random.default_rng(1).integers(0, 256, (9, 48, 48), np.uint8))
    assert np.allclose(logits / step, np.round(logits / step), atol=1e-3)


def test_a_float_model_has_no_output_step() -> None:
    assert unpack_bundle(dense_bundle(), "dense").output_step is None


@pytest.mark.parametrize("steps", [0, 1, -1])
def test_answers_a_step_away_are_the_recorded_ones(steps: int) -> None:
    assert check_golden(GOLDEN, LOGITS + np.float32(0.1 * steps), 0.1) == pytest.approx(abs(steps), abs=1e-3)


def test_a_single_answer_may_be_further_away_than_all_on_average() -> None:
    single = LOGITS.copy()
    single[0, 0] += 0.1 * 4
    assert check_golden(GOLDEN, single, 0.1) == pytest.approx(4, abs=1e-3)
    with pytest.raises(CheckFailed, match=r"the 2 golden faces: got answers 2\.00 steps .* on average"):
        check_golden(GOLDEN, LOGITS + np.float32(0.2), 0.1)


@pytest.mark.parametrize("answer", [0.7, -5.0, np.inf, np.nan])
def test_other_answers_are_refused_and_the_face_is_named(answer: float) -> None:
    logits = LOGITS.copy()
    logits[1, 0] += answer
    with pytest.raises(CheckFailed, match="golden face"):
        check_golden(GOLDEN, logits, 0.1)


def test_an_answer_that_is_no_number_for_every_face_is_refused() -> None:
    logits = LOGITS.copy()
    logits[:, 0] = np.nan
    with pytest.raises(CheckFailed, match="golden face 1"):
        check_golden(GOLDEN, logits, 0.1)


def test_without_a_step_the_spread_of_the_answers_is_the_measure() -> None:
    assert check_golden(GOLDEN, LOGITS + np.float32(3.56 / 256), None) == pytest.approx(1.0, abs=0.01)
    with pytest.raises(CheckFailed, match=r"7\.0 steps"):
        check_golden(GOLDEN, LOGITS + np.float32(7 * 3.56 / 256), None)


@pytest.mark.parametrize(
    "changes",
    [{"faces": b"too few"}, {"shape": (2, 48, 48, 3)}, {"shape": (0, 48, 48, 1), "faces": b""}, {"logits": ()}],
    ids=["cut short", "other channels", "no face", "no answers"],
)
def test_golden_faces_that_cannot_belong_to_the_model_are_refused(changes: dict[str, object]) -> None:
    golden = replace(GOLDEN, logits=((0.0,) * 7, (1.0,) * 7))
    content = pack_bundle(dense_model(), metadata(), replace(golden, **changes))
    with pytest.raises(ModelError, match=r"golden\.json"):
        unpack_bundle(content, "dense")


def test_a_bundle_without_golden_faces_is_read_all_the_same() -> None:
    assert unpack_bundle(pack_bundle(dense_model(), metadata()), "dense").golden is None
