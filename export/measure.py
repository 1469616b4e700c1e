"""Measuring one bundle in every way there is, by one call: the figures and plots of its model card."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from edge_agent.config import SmoothingSettings
from edge_agent.model_format.bundle import read_bundle
from edge_agent.vision.classifier import Classifier, softmax
from export.keras_model import keras_logits, load_keras
from export.measurements import Measurements, Quantized
from export.pipeline import check_of_run
from export.verify import compare
from train.data import load
from train.data.dataset import FaceSet
from train.data.ferplus import load_votes
from train.fit.run_dir import RunDir
from train.measure import plots as report
from train.measure.annotator_agreement import measure_agreement
from train.measure.calibration import FLOORS, calibrate, risk_coverage
from train.measure.cross_dataset import evaluate_cross_dataset
from train.measure.evaluate import evaluate
from train.measure.predictors import held_out_faces, open_predictor
from train.measure.robustness import measure_robustness

PLOTS = ("confusion", "reliability", "coverage", "robustness")
"""What is drawn beside the figures, in the order of a card."""


def measure(
    file: Path,
    data: Path,
    *,
    votes: Path | None = None,
    unseen: Path | None = None,
    run: Path | None = None,
    beside: tuple[Path, ...] = (),
    plots: Path | None = None,
    on_step: Callable[[str], None] = lambda _: None,
) -> Measurements:
    """Measure a bundle.

    Args:
        file: The bundle.
        data: What it was trained on; only the held-out part of its own split is used.
        votes: FER+'s table, where the data are FER2013.
        unseen: A data set it was not trained on.
        run: The run it was converted from.
        beside: Bundles and runs whose robustness is compared with its own.
        plots: Beginning of the plots' paths, ``docs/measured/expression``; nothing is drawn without.
        on_step: Told what is being measured.

    Raises:
        InputError: A path leads nowhere or to something else, the run is not the bundle's, or a model to compare with
            was trained on the faces.
        ModelError: The bundle cannot be used, or Keras or TensorFlow is missing.
    """
    record = None
    if run is not None:
        record = check_of_run(read_bundle(file), RunDir(run))
        RunDir(run).check_finished()
    predictors = tuple(map(open_predictor, (file, *beside)))
    predictor = predictors[0]
    on_step("reading the data")
    faces = held_out_faces(data, predictors)
    on_step("calibration and coverage")
    logits = predictor.logits(faces.images)
    probabilities = softmax(logits, predictor.temperature)
    floor = SmoothingSettings().uncertain_below
    measured = Measurements(
        model=predictor.identity,
        data=faces.name,
        protocol=predictor.protocol,
        images=len(faces),
        calibration=calibrate(logits, faces.labels),
        abstention=risk_coverage(probabilities, faces.labels, sorted({*FLOORS, floor})),
        quantized=None if run is None else _beside_float(file, run, faces),
        votes=None if votes is None else measure_agreement(predictor, faces, load_votes(votes, faces)),
        generalisation=None
        if unseen is None
        else evaluate_cross_dataset(predictor, load(unseen, channels=predictor.channels)),
        robustness=measure_robustness(predictors, faces, on_step=on_step),
        learnt_spoilt=() if record is None else record.recipe.spoiling.kinds(),
    )
    if plots is not None:
        scored = evaluate(probabilities, faces.labels, faces.classes)
        report.plot_confusion(scored, plot_path(plots, "confusion"), predictor.name)
        report.plot_reliability(scored, plot_path(plots, "reliability"), predictor.name)
        report.plot_risk_coverage(measured.abstention, floor, plot_path(plots, "coverage"))
        report.plot_robustness(measured.robustness, plot_path(plots, "robustness"))
    return measured


def plot_path(beginning: Path, plot: str) -> Path:
    """Where one of :data:`PLOTS` stands."""
    return beginning.with_name(f"{beginning.name}-{plot}.png")


def _beside_float(file: Path, run: Path, faces: FaceSet) -> Quantized:
    model = load_keras(RunDir(run).model_path)
    compared = compare(keras_logits(model, faces.images), Classifier.load(file), faces.images, faces.labels)
    return Quantized(
        run=run.resolve().name,
        float_accuracy=compared.keras_accuracy,
        accuracy=compared.device_accuracy,
        agreement=compared.agreement,
    )
