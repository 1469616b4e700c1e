"""Colour the whole way: pictures in class folders, training, an int8 bundle, the device's classifier and pipeline."""

from __future__ import annotations

import itertools
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest

from edge_agent.config import DetectorSettings, Settings
from edge_agent.model_format.crop import crop_face
from edge_agent.pipeline import Pipeline
from edge_agent.privacy.summary import SummaryWindow
from edge_agent.simulate import draw_face
from edge_agent.types import Frame, Image
from edge_agent.vision.classifier import Classifier
from edge_agent.vision.detector import open_detector
from edge_agent.vision.face_finder import FaceFinder
from edge_agent.vision.resting_face import RestingFaces
from edge_agent.vision.smoothing import Smoother
from edge_agent.vision.tracker import Tracker, random_ids
from export.pipeline import export_run
from tests.train.fit.test_trainer import RECIPE
from train.data import load
from train.data.splits import make_split
from train.fit.inputs import TrainingInputs
from train.fit.recipe import Phase
from train.fit.run_dir import RunDir
from train.fit.trainer import fit

pytestmark = pytest.mark.timeout(900)

GAINS = {"cool": (1.25, 1.0, 0.7), "warm": (0.7, 1.0, 1.25)}  # of blue, green and red


def tinted(person: int, light: str) -> Image:
    """A drawn person in light of a colour."""
    image = draw_face("neutral", 1.0, person, 160).image.astype(np.float64) * GAINS[light]
    return np.asarray(np.clip(image, 0, 255), np.uint8)


@pytest.fixture(scope="module")
def colour_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that recognises the light's colour, trained on drawn faces and exported to int8."""
    root = tmp_path_factory.mktemp("colour")
    for part, light, person in itertools.product(("train", "validation"), GAINS, range(24)):
        folder = root / "faces" / part / light
        folder.mkdir(parents=True, exist_ok=True)
        number = person + 100 * (part == "validation")
        crop = crop_face(tinted(number, light), 40, 40, 80, channels=3)
        assert cv2.imwrite(str(folder / f"{number}.png"), cv2.cvtColor(crop, cv2.COLOR_RGB2BGR))
    faces = load(root / "faces", channels=3)
    recipe = msgspec.structs.replace(RECIPE, channels=3, batch_size=12, phases=(Phase(epochs=10),))
    fit(TrainingInputs(recipe, faces, make_split(faces)), RunDir(root / "run"))
    export_run(root / "run", root / "colour.tflite", "int8", root / "faces")
    return root / "colour.tflite"


def test_an_int8_bundle_recognises_colours(colour_bundle: Path) -> None:
    classifier = Classifier.load(colour_bundle)
    assert (classifier.channels, classifier.labels) == (3, ("cool", "warm"))
    for column, light in enumerate(classifier.labels):
        crops = np.stack([crop_face(tinted(person, light), 40, 40, 80, channels=3) for person in range(200, 220)])
        assert crops.shape == (20, 48, 48, 3)
        assert np.mean(classifier.predict(crops).argmax(axis=1) == column) >= 0.9


@pytest.mark.parametrize("light", GAINS)
def test_the_pipeline_hands_colour_crops_to_a_colour_model(colour_bundle: Path, light: str) -> None:
    settings = Settings()
    classifier = Classifier.load(colour_bundle)
    pipeline = Pipeline(
        FaceFinder(open_detector(DetectorSettings(kind="haar"))),
        Tracker(settings.tracker, random_ids()),
        classifier,
        RestingFaces(classifier.labels, settings.resting_face),
        Smoother(classifier.labels, settings.smoothing),
        SummaryWindow(settings.summary.window_s, min_group=1),
        8,
    )
    image = np.kron(np.ones((2, 2, 1), np.uint8), tinted(230, light))  # four of them, as a class
    expressions = [
        change.expression for step in range(20) for change in pipeline.step(Frame(image, step / 5, step)).changes
    ]
    assert expressions
    assert set(expressions) == {light}
