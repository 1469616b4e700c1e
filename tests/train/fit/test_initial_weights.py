"""Initial weights: what a run or a bundle gives, and how it fits other labels and colours."""

from __future__ import annotations

import re
from pathlib import Path

import keras
import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from edge_agent.errors import InputError, ModelError
from edge_agent.model_format.bundle import Bundle, pack_bundle, unpack_bundle, write_bundle
from edge_agent.model_format.metadata import DataInfo, Metadata, TrainingInfo
from edge_agent.vision.classifier import Classifier
from export.calibrate import choose_calibration
from export.convert import Quantization, to_tflite
from export.keras_model import keras_logits
from tests.support.exported import CLASSES, bundle, faces, truth
from tests.support.tflite_models import dense_model, metadata
from tests.train.faces import bright_halves, two_to_one
from tests.train.fit.test_trainer import RECIPE
from train.data.splits import make_split
from train.fit.initial_weights import InitialWeights, initial_weights_of_run, open_initial_weights
from train.fit.inputs import TrainingInputs
from train.fit.provenance import Provenance
from train.fit.recipe import Phase
from train.fit.run_dir import RunDir
from train.fit.trainer import fit
from train.fit.weights_from_tflite import model_from_tflite
from train.measure.predictors import open_predictor
from train.models import build

pytestmark = pytest.mark.timeout(300)  # the first test imports TensorFlow

MIN_AGREEMENT: dict[Quantization, float] = {"int8": 0.9, "float16": 0.99, "float32": 0.999}


def same_labels(model: keras.Model, other: NDArray[np.float32], images: NDArray[np.uint8]) -> float:
    return float(np.mean(keras_logits(model, images).argmax(axis=1) == other.argmax(axis=1)))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    run = RunDir(tmp_path_factory.mktemp("runs") / "whole")
    some = bright_halves()
    fit(TrainingInputs(RECIPE, some, two_to_one(some)), run)
    return run


@pytest.fixture(scope="module")
def paper_bundle() -> Bundle:
    """A network whose normalisation follows an activation, so that no converter can fold it."""
    keras.utils.set_random_seed(5)
    model = build("paper-4", 3)
    random = np.random.default_rng(5)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            width = layer.gamma.shape
            scale, offset = random.uniform(0.5, 2, width), random.normal(0, 0.3, width)
            layer.set_weights([scale, offset, random.uniform(0, 0.1, width), random.uniform(0.01, 0.1, width)])
    content = to_tflite(model, "int8", choose_calibration(faces(100), truth(100)))
    facts = Metadata(name="paper", architecture="paper-4", parameters=0, labels=("a", "b", "c"), quantization="int8")
    return unpack_bundle(pack_bundle(content, facts), "paper")


@pytest.mark.parametrize("quantization", MIN_AGREEMENT)
def test_a_network_recovered_from_a_bundle_answers_as_the_bundle(quantization: Quantization) -> None:
    model = model_from_tflite(bundle(quantization), faces(200))
    answers = Classifier(bundle(quantization)).logits(faces(200, seed=12))
    assert same_labels(model, answers, faces(200, seed=12)) >= MIN_AGREEMENT[quantization]


def test_normalisation_that_is_not_folded_is_recovered_too(paper_bundle: Bundle) -> None:
    model = model_from_tflite(paper_bundle, faces(100))
    answers = Classifier(paper_bundle).logits(faces(100, seed=12))
    assert same_labels(model, answers, faces(100, seed=12)) >= 0.9


def test_recovered_normalisation_fits_the_pictures() -> None:
    model = model_from_tflite(bundle("float32"), faces(200))
    layer = next(layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization))
    probe = np.asarray(keras.Model(model.input, layer.input)(faces(200).astype(np.float32)))
    np.testing.assert_allclose(probe.mean(axis=(0, 1, 2)), layer.moving_mean, atol=1e-3)
    np.testing.assert_allclose(probe.var(axis=(0, 1, 2)), layer.moving_variance, rtol=1e-2)


def test_a_bundle_of_an_unknown_architecture_cannot_be_recovered() -> None:
    facts = msgspec.structs.replace(metadata(labels=tuple("abcdefg")), architecture="dense")
    strange = unpack_bundle(pack_bundle(dense_model(), facts), "strange")
    with pytest.raises(ModelError, match=r"architecture: got .*, expected one of paper-1"):
        model_from_tflite(strange, faces(10))


def test_weights_of_another_network_than_the_bundle_names_are_refused() -> None:
    facts = Metadata(name="liar", architecture="edge-tiny", parameters=0, labels=CLASSES, quantization="float32")
    liar = unpack_bundle(pack_bundle(bundle("float32").flatbuffer, facts), "liar")
    with pytest.raises(ModelError, match="its weights are not those of its architecture"):
        model_from_tflite(liar, faces(10))


def test_known_labels_keep_their_outputs_in_whatever_order(finished: RunDir) -> None:
    start = initial_weights_of_run(finished)
    model = build("testing", classes=3)
    fresh = model.layers[-1].get_weights()[0][:, 1].copy()
    start.copy_into(model, ("right", "new", "left"))
    kernel, known = model.layers[-1].get_weights()[0], start.weights[-1][0]
    np.testing.assert_array_equal(kernel[:, [2, 0]], known)
    np.testing.assert_array_equal(kernel[:, 1], fresh)


def test_new_labels_keep_the_features(finished: RunDir) -> None:
    model = build("testing", classes=2)
    initial_weights_of_run(finished).copy_into(model, ("smiling", "calm"))
    source = keras.models.load_model(finished.model_path, compile=False)
    np.testing.assert_array_equal(model.layers[2].get_weights()[0], source.layers[2].get_weights()[0])


def test_gray_initial_weights_answer_the_same_in_colour_and_back(finished: RunDir) -> None:
    gray = initial_weights_of_run(finished)
    colour = build("testing", classes=2, channels=3)
    gray.copy_into(colour, ("left", "right"))
    images = bright_halves(20).images
    answers = keras_logits(keras.models.load_model(finished.model_path, compile=False), images)
    np.testing.assert_allclose(keras_logits(colour, np.repeat(images, 3, axis=-1)), answers, atol=1e-3)

    again = build("testing", classes=2)
    weights = tuple(tuple(layer.get_weights()) for layer in colour.layers)
    InitialWeights("colour", "testing", ("left", "right"), 3, weights).copy_into(again, ("left", "right"))
    np.testing.assert_allclose(keras_logits(again, images), answers, atol=1e-3)


def test_weights_of_another_network_are_refused(finished: RunDir) -> None:
    with pytest.raises(InputError, match="got the network testing, expected edge-tiny"):
        initial_weights_of_run(finished).copy_into(build("edge-tiny", classes=2), ("left", "right"))


def test_a_recipe_without_a_model_takes_that_of_its_initial_weights(tmp_path: Path) -> None:
    content = bundle("int8")
    path = tmp_path / "model.tflite"
    written = write_bundle(path, content.flatbuffer, content.metadata)
    some = bright_halves()
    run = RunDir(tmp_path / "run")
    fit(
        TrainingInputs(
            msgspec.structs.replace(RECIPE, model=""),
            some,
            two_to_one(some),
            initial_weights=open_initial_weights(path, some.images),
        ),
        run,
    )
    record = run.record()
    assert (record.recipe.model, record.classes) == ("testing", ("left", "right"))
    assert record.started_from == f"model.tflite, bundle {written.model_id}"
    assert run.metrics()[-1].val_accuracy >= 0.9


def test_provenance_of_initial_weights_is_kept_over_several_trainings(tmp_path: Path) -> None:
    votes = TrainingInfo(extra_annotation="votes", teachers=("wise, 0",))
    facts = metadata(architecture="testing", data=(DataInfo(name="halves", sha256="1" * 64),), training=votes)
    write_bundle(tmp_path / "first.tflite", bundle("int8").flatbuffer, facts)
    some = bright_halves()
    once = msgspec.structs.replace(RECIPE, phases=(Phase(epochs=1),))
    runs = [RunDir(tmp_path / name) for name in ("second", "third")]
    fit(
        TrainingInputs(
            once, some, two_to_one(some), initial_weights=open_initial_weights(tmp_path / "first.tflite", some.images)
        ),
        runs[0],
    )
    fit(
        TrainingInputs(once, some, two_to_one(some), initial_weights=open_initial_weights(runs[0].path, some.images)),
        runs[1],
    )

    earlier = Provenance(data={"1" * 64: "halves"}, annotation=("votes",), teachers=("wise, 0",))
    assert [run.record().earlier for run in runs] == [earlier] * 2
    assert open_predictor(runs[1].path).provenance.data == {some.fingerprint(): "halves", "1" * 64: "halves"}


def test_held_out_images_in_the_provenance_of_initial_weights_are_counted(tmp_path: Path) -> None:
    some = bright_halves()
    once = msgspec.structs.replace(RECIPE, phases=(Phase(epochs=1),))
    first, again = (RunDir(tmp_path / name) for name in ("first", "again"))
    fit(TrainingInputs(once, some, make_split(some, "random-by-class seed=0")), first)
    fit(
        TrainingInputs(
            once,
            some,
            make_split(some, "random-by-class seed=1"),
            initial_weights=open_initial_weights(first.path, some.images),
        ),
        again,
    )
    record = again.record()
    assert re.search(
        r"\d+ of 19 held-out images were in earlier training data, by random-by-class seed=0", record.protocol_note
    )
    assert record.earlier.data == {some.fingerprint(): "halves"}


def test_colour_that_a_recipe_gives_up_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    InitialWeights("colour.tflite", "testing", ("a", "b"), 3, ()).complete(RECIPE)
    assert "colour.tflite reads colour and the recipe trains in gray" in caplog.text


def test_missing_initial_weights_are_reported(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="got nothing there, expected a finished run directory or a model bundle"):
        open_initial_weights(tmp_path / "none", faces(2))


def test_an_unfinished_run_gives_no_initial_weights(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with pytest.raises(InputError, match=r"no run\.json"):
        open_initial_weights(tmp_path / "run", faces(2))
