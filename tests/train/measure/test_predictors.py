"""Predictors: bundles that answer together, as teacher models do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge_agent.errors import ModelError
from edge_agent.model_format.bundled import BUNDLED_MODELS
from edge_agent.vision.classifier import Classifier
from tests.train.data.files import face_set
from train.measure.predictors import open_predictor, open_teachers

BUNDLES = tuple(BUNDLED_MODELS.values())
FACES = face_set([0, 1, 2, 3, 4, 5, 6]).images


def test_bundles_together_answer_with_the_mean_of_their_calibrated_probabilities() -> None:
    each = [Classifier.load(bundle, prior="training").predict(FACES) for bundle in BUNDLES]
    assert open_teachers(BUNDLES).predict(FACES) == pytest.approx(np.mean(each, axis=0), abs=1e-5)


def test_their_prior_is_the_mean_of_their_priors() -> None:
    each = [open_predictor(bundle).prior or {} for bundle in BUNDLES]
    assert open_teachers(BUNDLES).prior == pytest.approx(
        {label: np.mean([one[label] for one in each]) for label in each[0]}
    )


def test_with_mirror_images_a_face_and_its_mirror_image_get_the_same_answer() -> None:
    mirrored = FACES[:, :, ::-1]
    tiny = BUNDLED_MODELS["edge-tiny"]
    alone, both = open_teachers([tiny]), open_teachers([tiny], flip=True)
    assert np.abs(alone.predict(FACES) - alone.predict(mirrored)).max() > 0.01
    assert both.predict(FACES) == pytest.approx(both.predict(mirrored), abs=1e-5)
    assert both.name == "expression-tiny.tflite, mirror images too"


def test_what_both_were_trained_on_is_known_of_them_together() -> None:
    wanted = set().union(*(open_predictor(bundle).provenance.data for bundle in BUNDLES))
    assert set(open_teachers(BUNDLES).provenance.data) == wanted


def test_a_file_that_is_no_bundle_does_not_answer_together_with_others() -> None:
    with pytest.raises(ModelError, match="test_predictors"):
        open_teachers([*BUNDLES, Path(__file__)])
