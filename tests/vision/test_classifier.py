"""The classifier against what NumPy says its model should answer."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge_agent.errors import InputError, ModelError
from edge_agent.model_format import labels
from edge_agent.model_format.bundle import pack_bundle, read_bundle, unpack_bundle, write_bundle
from edge_agent.model_format.crop import to_face_tensor
from edge_agent.model_format.metadata import InputSpec
from edge_agent.model_format.priors import NAMED_PRIORS
from edge_agent.vision.classifier import BUNDLED_MODEL, Classifier, reweigh, softmax
from tests.support.tflite_models import dense_logits, dense_model, dense_weights, metadata

Faces = NDArray[np.uint8]
WEIGHTS = dense_weights()


def noise(count: int, channels: int = 1, seed: int = 5) -> Faces:
    shape = (count, 48, 48) if channels == 1 else (count, 48, 48, channels)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def expected(faces: Faces, temperature: float = 1.0) -> NDArray[np.float64]:
    logits = dense_logits(faces, WEIGHTS) / temperature
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))


def classifier(**changes: object) -> Classifier:
    return Classifier(unpack_bundle(pack_bundle(dense_model(), metadata(**changes)), "dense"))


@pytest.fixture(scope="module")
def plain() -> Classifier:
    return classifier()


@pytest.mark.parametrize("count", [1, 2, 8, 64, 65, 200])
def test_probabilities_are_those_of_the_model(plain: Classifier, count: int) -> None:
    faces = noise(count)

    probabilities = plain.predict(faces)

    assert probabilities.dtype == np.float32
    assert probabilities.shape == (count, 7)
    np.testing.assert_allclose(probabilities, expected(faces), atol=1e-5)


def test_no_faces_give_no_rows(plain: Classifier) -> None:
    probabilities = plain.predict(noise(0))

    assert probabilities.shape == (0, 7)
    assert probabilities.dtype == np.float32


def test_a_face_is_classified_the_same_in_any_batch(plain: Classifier) -> None:
    faces = noise(70)
    together = plain.predict(faces)

    for size in (3, 1, 50, 3):
        np.testing.assert_allclose(plain.predict(faces[:size]), together[:size], atol=1e-6)


def test_temperature_softens_without_changing_the_order(plain: Classifier) -> None:
    faces = noise(20)

    soft = classifier(temperature=2.5).predict(faces)

    np.testing.assert_allclose(soft, expected(faces, 2.5), atol=1e-5)
    np.testing.assert_array_equal(soft.argmax(axis=1), plain.predict(faces).argmax(axis=1))


def test_a_float_model_takes_the_same_raw_gray_levels() -> None:
    model = dense_model(dtype="float32", scale=None)
    floating = Classifier(unpack_bundle(pack_bundle(model, metadata(quantization="float32")), "dense"))

    np.testing.assert_allclose(floating.predict(noise(9)), expected(noise(9)), atol=1e-5)


def test_a_colour_model_takes_three_channels() -> None:
    weights = dense_weights(channels=3)
    model = dense_model(weights, shape=(-1, 48, 48, 3))
    colour = Classifier(unpack_bundle(pack_bundle(model, metadata(input=InputSpec(channels=3))), "dense"))
    faces = noise(4, channels=3)

    assert colour.channels == 3
    np.testing.assert_allclose(colour.logits(faces), dense_logits(faces, weights), atol=1e-3)
    with pytest.raises(InputError, match=r"expected \(N, 48, 48, 3\)"):
        colour.predict(noise(4))


def test_a_last_axis_of_one_is_welcome(plain: Classifier) -> None:
    np.testing.assert_array_equal(plain.predict(noise(3)[..., None]), plain.predict(noise(3)))


def test_a_view_into_a_larger_array_is_classified_rightly(plain: Classifier) -> None:
    faces = noise(6)

    np.testing.assert_array_equal(plain.predict(faces[::2, ::-1]), plain.predict(faces[::2, ::-1].copy()))


@pytest.mark.parametrize(
    ("faces", "message"),
    [
        (np.zeros((2, 48, 48), np.float32), "faces: got an array of float32, expected uint8 levels, 0 to 255"),
        (np.zeros((2, 48, 48), np.int64), "got an array of int64"),
        (np.zeros((48, 48), np.uint8), r"got an array of shape \(48, 48\), expected \(N, 48, 48\)"),
        (np.zeros((2, 64, 64), np.uint8), r"got an array of shape \(2, 64, 64\).*to_face_tensor"),
        (np.zeros((2, 48, 48, 3), np.uint8), r"shape \(2, 48, 48, 3\)"),
        (np.zeros((0, 7), np.uint8), r"shape \(0, 7\)"),
        (np.uint8(3), r"shape \(\)"),
    ],
)
def test_anything_but_faces_is_refused(plain: Classifier, faces: Faces, message: str) -> None:
    with pytest.raises(InputError, match=message):
        plain.predict(faces)


def test_a_refused_batch_leaves_the_classifier_working(plain: Classifier) -> None:
    with pytest.raises(InputError):
        plain.predict(np.zeros((3, 5, 5), np.uint8))

    np.testing.assert_allclose(plain.predict(noise(5)), expected(noise(5)), atol=1e-5)


def test_what_the_crop_makes_is_what_the_classifier_takes(plain: Classifier) -> None:
    face = to_face_tensor(noise(1, channels=3)[0].repeat(3, axis=0).repeat(3, axis=1))

    assert plain.predict(np.stack([face, face])).shape == (2, 7)


def test_threads_may_share_it(plain: Classifier) -> None:
    faces = noise(30)
    answers: dict[int, bool] = {}

    def read(count: int) -> None:
        wanted = expected(faces[:count])
        answers[count] = all(np.allclose(plain.predict(faces[:count]), wanted, atol=1e-5) for _ in range(50))

    readers = [threading.Thread(target=read, args=(count,)) for count in (1, 7, 30)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()

    assert answers == {1: True, 7: True, 30: True}


def test_it_is_loaded_from_a_file_by_path_or_text(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "model.tflite", dense_model(), metadata())

    by_text = Classifier.load(str(tmp_path / "model.tflite"), threads=2)

    assert by_text.labels == labels.FER2013
    assert by_text.model_id == bundle.model_id
    assert by_text.metadata == bundle.metadata
    assert by_text.channels == 1


@pytest.mark.parametrize(
    "content",
    [pack_bundle(dense_model(), metadata())[:30_000], b"", dense_model()],
    ids=["truncated", "empty", "bare"],
)
def test_a_broken_model_is_refused_on_loading(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(content)

    with pytest.raises(ModelError, match=r"model .*/model\.tflite: "):
        Classifier.load(path)


@settings(deadline=None, max_examples=50)
@given(
    logits=st.lists(st.lists(st.floats(-1e4, 1e4, width=32), min_size=3, max_size=3), min_size=1, max_size=5),
    temperature=st.floats(0.05, 20.0),
)
def test_rows_of_a_softmax_sum_to_one_whatever_the_logits(logits: list[list[float]], temperature: float) -> None:
    probabilities = softmax(np.array(logits, np.float32), temperature)

    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, atol=1e-6)
    assert (probabilities >= 0).all()


def test_an_answer_that_is_no_number_is_none() -> None:
    # The sum over a bright face is beyond what a float32 holds, that over a dark one is not.
    weights = np.full((7, 48 * 48), 1e33, np.float32)
    model = Classifier(unpack_bundle(pack_bundle(dense_model(weights), metadata()), "overflowing"))
    dark, bright = np.full((1, 48, 48), 20, np.uint8), np.full((1, 48, 48), 255, np.uint8)

    assert model.predict(dark).sum() == pytest.approx(1.0)
    with pytest.raises(ModelError, match="no number"):
        model.predict(np.concatenate([dark, bright]))


def test_the_prior_multiplies_calibrated_probabilities_and_keeps_their_sum() -> None:
    faces, shares = noise(40), dict(zip(labels.FER2013, (0.1, 0.02, 0.1, 0.4, 0.1, 0.08, 0.2), strict=True))
    bundle = unpack_bundle(pack_bundle(dense_model(), metadata(prior=shares, temperature=2.0)), "dense")
    weighted = expected(faces, 2.0) * np.array([(1 / 7) / share for share in shares.values()])

    balanced = Classifier(bundle, prior="balanced").predict(faces)

    np.testing.assert_allclose(balanced, weighted / weighted.sum(axis=1, keepdims=True), atol=1e-5)
    np.testing.assert_allclose(balanced.sum(axis=1), 1.0, atol=1e-6)
    np.testing.assert_allclose(Classifier(bundle, prior="training").predict(faces), expected(faces, 2.0), atol=1e-5)


def test_half_is_between_training_and_balanced_and_is_what_a_device_assumes() -> None:
    shares = dict(zip(labels.FER2013, (0.1, 0.02, 0.1, 0.4, 0.1, 0.08, 0.2), strict=True))
    bundle = unpack_bundle(pack_bundle(dense_model(), metadata(prior=shares)), "dense")
    balanced, half, training = (Classifier(bundle, prior=prior).predict(noise(30)) for prior in NAMED_PRIORS)

    rarest = labels.FER2013.index("disgust")
    assert (training[:, rarest] < half[:, rarest]).all()
    assert (half[:, rarest] < balanced[:, rarest]).all()
    np.testing.assert_array_equal(Classifier(bundle).predict(noise(30)), half)


def test_shares_equal_to_the_trainings_change_nothing() -> None:
    shares = dict(zip(labels.FER2013, (0.1, 0.02, 0.1, 0.4, 0.1, 0.08, 0.2), strict=True))
    bundle = unpack_bundle(pack_bundle(dense_model(), metadata(prior=shares)), "dense")

    np.testing.assert_allclose(Classifier(bundle, prior=shares).predict(noise(9)), expected(noise(9)), atol=1e-5)


def test_the_prior_does_not_touch_logits_which_golden_answers_are_made_of() -> None:
    bundle = read_bundle(BUNDLED_MODEL)

    balanced, half, training = (Classifier(bundle, prior=prior).logits(noise(3)) for prior in NAMED_PRIORS)

    np.testing.assert_array_equal(training, balanced)
    np.testing.assert_array_equal(training, half)


def test_a_certain_answer_stays_a_number_under_any_prior() -> None:
    weights = (1e6, 1e-6)
    certain = np.array([[0.0, 1.0], [1.0, 0.0]], np.float32)

    np.testing.assert_array_equal(reweigh(certain, weights), certain)
