"""Networks that give a face and its mirror image the same answer: in training, as a run, as a bundle and begun anew."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import keras
import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from edge_agent.model_format.bundle import Bundle, pack_bundle, unpack_bundle
from edge_agent.model_format.metadata import Metadata
from edge_agent.vision.classifier import Classifier
from export.calibrate import choose_calibration
from export.convert import to_tflite
from tests.support.exported import faces
from tests.train.faces import bright_halves, two_to_one
from tests.train.fit.test_trainer import RECIPE
from train.data.dataset import FaceSet
from train.data.splits import make_split
from train.fit.average import average
from train.fit.initial_weights import initial_weights_of_run
from train.fit.inputs import TrainingInputs, prepare_inputs
from train.fit.run_dir import RunDir
from train.fit.saved import load_model
from train.fit.trainer import fit
from train.fit.weights_from_tflite import model_from_tflite
from train.models import build, is_mirrored
from train.models.inference import predict_logits
from train.models.mirror import EqualHalves, MirroredKernel

pytestmark = pytest.mark.timeout(300)  # the first test imports TensorFlow

MIRRORED = msgspec.structs.replace(RECIPE, model="testing-mirror")


def upper_and_lower() -> FaceSet:
    """Pictures whose upper or lower half is bright. A mirror image has the same label."""
    halves = bright_halves()
    return dataclasses.replace(halves, images=np.ascontiguousarray(halves.images.transpose(0, 2, 1, 3)))


def mirrored(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(images[:, :, ::-1])


def difference(model: keras.Model, images: NDArray[np.uint8]) -> float:
    """Largest difference between the logits of a picture and of its mirror image."""
    return float(np.abs(predict_logits(model, images) - predict_logits(model, mirrored(images))).max())


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    run, data = RunDir(tmp_path_factory.mktemp("runs") / "mirrored"), upper_and_lower()
    fit(TrainingInputs(MIRRORED, data, two_to_one(data)), run)
    return run


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    """A network half as wide that is not of this kind."""
    run, data = RunDir(tmp_path_factory.mktemp("runs") / "plain"), upper_and_lower()
    fit(TrainingInputs(RECIPE, data, two_to_one(data)), run)
    return run


@pytest.fixture(scope="module")
def bundle(finished: RunDir) -> Bundle:
    data = upper_and_lower()
    content = to_tflite(load_model(finished), "int8", choose_calibration(data.images, data.labels))
    facts = Metadata(
        name="mirrored", architecture="testing-mirror", parameters=0, labels=data.classes, quantization="int8"
    )
    return unpack_bundle(pack_bundle(content, facts), "mirrored")


def test_a_trained_network_has_learnt_and_answers_the_same_for_mirror_images(finished: RunDir) -> None:
    assert finished.metrics()[-1].val_accuracy >= 0.9
    assert difference(load_model(finished), faces(50)) < 1e-4


def test_other_networks_answer_differently_for_mirror_images() -> None:
    keras.utils.set_random_seed(3)
    assert difference(build("testing", 2), faces(50)) > 1e-2


def test_a_finished_network_is_read_without_this_project(finished: RunDir) -> None:
    """Its file names no class of this project's."""
    model = load_model(finished)
    assert "classroom_edge" not in model.to_json()


def test_int8_gives_mirror_images_the_very_same_answer(bundle: Bundle) -> None:
    classifier = Classifier(bundle)
    np.testing.assert_array_equal(classifier.logits(faces(50)), classifier.logits(mirrored(faces(50))))


def test_weights_recovered_from_a_bundle_answer_the_same_for_mirror_images(bundle: Bundle) -> None:
    data = upper_and_lower()
    model = model_from_tflite(bundle, data.images)
    assert difference(model, data.images) < 1e-3
    held = [one for one in model.trainable_variables if one.constraint is not None]
    assert held
    for one in held:
        np.testing.assert_allclose(one.constraint(one.value), one.value, atol=1e-4)


def test_the_mean_of_two_trainings_answers_the_same_for_mirror_images(finished: RunDir, tmp_path: Path) -> None:
    data = dataclasses.replace(upper_and_lower(), usage=np.repeat(["Training", "PublicTest"], [64, 32]))
    split, runs = make_split(data, "fer2013-official"), []
    for seed in (1, 2):
        runs.append(RunDir(tmp_path / str(seed)))
        start = initial_weights_of_run(finished)
        fit(TrainingInputs(msgspec.structs.replace(MIRRORED, seed=seed), data, split, initial_weights=start), runs[-1])
    mean = average([one.path for one in runs], data, RunDir(tmp_path / "mean")).model
    assert difference(mean, faces(50)) < 1e-4


def test_a_plain_network_half_as_wide_begins_it_with_the_mean_of_its_two_answers(plain: RunDir) -> None:
    model = build("testing-mirror", 2)
    initial_weights_of_run(plain).copy_into(model, upper_and_lower().classes)
    known = load_model(plain)
    both = (predict_logits(known, faces(50)) + predict_logits(known, mirrored(faces(50)))) / 2
    np.testing.assert_allclose(predict_logits(model, faces(50)), both, atol=1e-4)


def test_it_goes_on_with_other_labels(finished: RunDir) -> None:
    model, known = build("testing-mirror", 3), load_model(finished)
    initial_weights_of_run(finished).copy_into(model, ("neither", "right", "left"))
    found = predict_logits(model, faces(50))
    np.testing.assert_allclose(found[:, [2, 1]], predict_logits(known, faces(50)), atol=1e-4)


def test_a_plain_network_for_gray_pictures_begins_one_for_colour(plain: RunDir) -> None:
    gray, colour = build("testing-mirror", 2), build("testing-mirror", 2, channels=3)
    for model in (gray, colour):
        initial_weights_of_run(plain).copy_into(model, upper_and_lower().classes)
    wanted = predict_logits(gray, faces(50))
    np.testing.assert_allclose(predict_logits(colour, np.repeat(faces(50), 3, axis=-1)), wanted, atol=1e-3)


def test_labels_that_tell_a_side_are_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    halves = bright_halves()
    prepare_inputs(TrainingInputs(MIRRORED, halves, two_to_one(halves)))
    assert "cannot learn which side left, right name: start from the small model" in caplog.text


@pytest.mark.parametrize("channels", [1, 3])
def test_colour_and_gray_pictures_are_mirrored_alike(channels: int) -> None:
    held = np.asarray(MirroredKernel(halves_in=False)(np.random.default_rng(1).normal(size=(3, 4, channels, 6))))
    np.testing.assert_allclose(held[..., 3:], held[:, ::-1, :, :3], rtol=1e-6)


def test_weights_that_are_already_held_stay_as_they_are() -> None:
    random = np.random.default_rng(1)
    for held, shape in ((MirroredKernel(), (3, 3, 4, 6)), (EqualHalves(), (6,)), (EqualHalves(), (6, 7))):
        once = np.asarray(held(random.normal(size=shape)))
        np.testing.assert_allclose(np.asarray(held(once)), once, rtol=1e-6)
        assert once.shape == shape


def test_only_networks_of_this_kind_are_called_mirrored() -> None:
    assert is_mirrored("edge-mirror")
    assert not is_mirrored("edge")
    assert not is_mirrored("paper-4")
