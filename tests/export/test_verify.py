"""Comparing two models, and refusing the one that lost too much."""

from __future__ import annotations

import numpy as np
import pytest

from edge_agent.errors import CheckFailed, InputError
from edge_agent.model_format.bundle import pack_bundle, unpack_bundle
from edge_agent.vision.classifier import Classifier
from export.limits import Limits
from export.verify import Comparison, check, compare, latency_ms
from tests.support.tflite_models import dense_logits, dense_model, dense_weights, metadata

FACES = np.random.default_rng(8).integers(0, 256, (200, 48, 48, 1), dtype=np.uint8)
LOGITS = dense_logits(FACES, dense_weights()).astype(np.float32)


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier(unpack_bundle(pack_bundle(dense_model(), metadata(temperature=2.0)), "dense"))


def test_a_faithful_export_agrees_everywhere(classifier: Classifier) -> None:
    labels = LOGITS.argmax(axis=1)
    labels[:50] = (labels[:50] + 1) % 7

    compared = compare(LOGITS, classifier, FACES, labels)

    assert (compared.faces, compared.keras_accuracy, compared.device_accuracy) == (200, 0.75, 0.75)
    assert compared.agreement == 1.0
    assert compared.largest_difference < 1e-5
    check(compared, Limits())


def test_what_an_export_loses_is_measured(classifier: Classifier) -> None:
    trained = LOGITS.copy()
    trained[:20] = np.roll(LOGITS[:20], 1, axis=1)  # here the trained model says something else

    compared = compare(trained, classifier, FACES, trained.argmax(axis=1))

    assert compared.agreement == pytest.approx(0.9)
    assert compared.accuracy_drop == pytest.approx(10.0)
    assert compared.largest_difference > 0.1


def test_nothing_to_compare_is_an_error(classifier: Classifier) -> None:
    with pytest.raises(InputError, match="no held-out faces"):
        compare(LOGITS[:0], classifier, FACES[:0], np.zeros(0, np.int64))


@pytest.mark.parametrize(
    ("device_accuracy", "agreement"),
    [(0.7, 1.0), (0.695, 0.97), (0.8, 0.97)],
    ids=["alike", "just within", "better than trained"],
)
def test_what_is_within_the_limits_passes(device_accuracy: float, agreement: float) -> None:
    check(Comparison(200, 0.7, device_accuracy, agreement, 0.5), Limits(0.5, 97.0))


def test_a_fall_in_accuracy_fails_with_measured_against_allowed() -> None:
    with pytest.raises(CheckFailed, match=r"accuracy fell by 1\.00 points \(70\.00% to 69\.00%\), allowed 0\.5"):
        check(Comparison(200, 0.7, 0.69, 1.0, 0.0), Limits())


def test_disagreement_fails_with_measured_against_required() -> None:
    with pytest.raises(CheckFailed, match=r"labels agree on 96\.90% of faces, required 97 %") as failure:
        check(Comparison(200, 0.7, 0.7, 0.969, 0.0), Limits())

    assert failure.value.exit_code == 1


def test_both_failures_are_reported_at_once() -> None:
    with pytest.raises(CheckFailed, match=r"accuracy fell .*; labels agree"):
        check(Comparison(200, 0.7, 0.5, 0.6, 0.9), Limits())


def test_limits_can_be_changed() -> None:
    check(Comparison(200, 0.7, 0.5, 0.6, 0.9), Limits(max_accuracy_drop=25.0, min_agreement=50.0))
    with pytest.raises(CheckFailed):
        check(Comparison(200, 0.7, 0.699, 1.0, 0.0), Limits(max_accuracy_drop=0.0))


def test_time_is_measured_for_one_face_and_for_eight(classifier: Classifier) -> None:
    taken = latency_ms(classifier, FACES[:3], repeats=3)

    assert list(taken) == [1, 8]
    assert all(0 < milliseconds < 1000 for milliseconds in taken.values())
