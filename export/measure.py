"""All measurements of one bundle in one call, with the plots of its model card."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from edge_agent.config import SmoothingSettings
from edge_agent.errors import InputError
from edge_agent.model_format.bundle import read_bundle
from edge_agent.model_format.priors import DEFAULT_PRIOR, NAMED_PRIORS
from edge_agent.vision.classifier import Classifier
from export.bundle_metadata import matching_record
from export.keras_model import keras_logits, load_keras
from export.measurements import Measurements, Quantized
from export.verify import compare
from train.data import load
from train.data.dataset import FaceSet
from train.data.ferplus import load_votes
from train.data.label_map import NO_LABEL_MAP, RAFDB_MAP, LabelMap
from train.fit.run_dir import RunDir
from train.measure.annotator_agreement import measure_agreement
from train.measure.answer_precision import AnswerPrecision, measure_answers, measure_hard_answers
from train.measure.calibration import FLOORS, calibrate, risk_coverage
from train.measure.cross_dataset import evaluate_cross_dataset
from train.measure.evaluate import evaluate
from train.measure.plots import plot_confusion, plot_reliability, plot_risk_coverage, plot_robustness
from train.measure.predictors import Predictor, held_out_faces, open_predictor
from train.measure.robustness import measure_robustness
from train.measure.selection import SelectionScore, load_selection_data, score_selection

PLOTS = ("confusion", "reliability", "coverage", "robustness")
"""The plots that are drawn, in the order of a card."""


@dataclass(frozen=True)
class Comparisons:
    """What a bundle is compared with, and on what; each of it may be missing.

    Attributes:
        votes: FER+'s table, where the data are FER2013.
        unseen: A data set it was not trained on.
        rafdb: RAF-DB, for the selection scores; these need FER2013 as ``data`` and CK+48 as ``unseen``.
        run: The run it was converted from.
        beside: Bundles and runs whose robustness is compared with its own.
        unseen_map: What the class names of ``unseen`` mean.
    """

    votes: Path | None = None
    unseen: Path | None = None
    rafdb: Path | None = None
    run: Path | None = None
    beside: tuple[Path, ...] = ()
    unseen_map: LabelMap = NO_LABEL_MAP

    def load_unseen(self, channels: int) -> FaceSet | None:
        """The faces of ``unseen``, where it is given."""
        return None if self.unseen is None else load(self.unseen, channels=channels, label_map=self.unseen_map)


def measure_bundle(
    file: Path,
    data: Path,
    compared: Comparisons,
    *,
    plots: Path | None = None,
    on_step: Callable[[str], None] = lambda _: None,
    label_map: LabelMap = NO_LABEL_MAP,
) -> Measurements:
    """Measure a bundle.

    Args:
        file: The bundle.
        data: The data it was trained on; only the held-out part of its own split is used.
        compared: What else there is to compare it with.
        plots: Beginning of the plots' paths, such as ``docs/measured/expression``; without it nothing is drawn.
        on_step: Called with the name of each measurement before it is made.
        label_map: What the class names of ``data`` mean.

    Raises:
        InputError: A path does not exist or is of another kind, the run is not the bundle's, or a model to compare with
            was trained on the faces.
        ModelError: The bundle cannot be used, or Keras or TensorFlow is missing.
    """
    record, run, rafdb = None, compared.run, compared.rafdb
    if run is not None:
        record = matching_record(read_bundle(file), RunDir(run))
        RunDir(run).check_finished()
    predictors = tuple(map(open_predictor, (file, *compared.beside)))
    predictor = predictors[0]
    on_step("reading the data")
    faces = held_out_faces(data, predictors, label_map)
    unseen = compared.load_unseen(predictor.channels)
    on_step("calibration and coverage")
    logits = predictor.logits(faces.images)
    probabilities = predictor.predict(faces.images)
    on_device = predictor.predict(faces.images, DEFAULT_PRIOR)
    floor = SmoothingSettings().uncertain_below
    measured = Measurements(
        model=predictor.identity,
        data=faces.name,
        protocol=predictor.protocol,
        images=len(faces),
        calibration=calibrate(logits, faces.labels),
        abstention=risk_coverage(on_device, faces.labels, sorted({*FLOORS, floor})),
        quantized=None if run is None else _compare_with_float(file, run, faces),
        votes=None
        if compared.votes is None
        else measure_agreement(predictor, faces, load_votes(compared.votes, faces)),
        cross_dataset=None if unseen is None else evaluate_cross_dataset(predictor, unseen),
        selection=()
        if rafdb is None or compared.unseen is None
        else _selection(predictor, data, rafdb, compared.unseen),
        robustness=measure_robustness(predictors, faces, on_step=on_step),
        answers=_answers(predictor, faces, unseen, rafdb),
        hard_answers=measure_hard_answers(predictor, faces),
        training_degradations=() if record is None else record.recipe.degradation.kinds(),
    )
    if plots is not None:
        scored = evaluate(probabilities, faces.labels, faces.classes)
        plot_confusion(scored, plot_path(plots, "confusion"), predictor.name)
        plot_reliability(scored, plot_path(plots, "reliability"), predictor.name)
        plot_measurements(measured, plots)
    return measured


def measure_answers_again(
    file: Path, data: Path, compared: Comparisons, measured: Measurements, label_map: LabelMap = NO_LABEL_MAP
) -> Measurements:
    """Replace what was measured of a bundle's answers, and keep all else.

    Args:
        file: The bundle.
        data: The data it was trained on; only the held-out part of its own split is used.
        compared: Further sets of faces.
        measured: The measurements so far.
        label_map: What the class names of ``data`` mean.

    Raises:
        InputError: The measurements are of another model.
    """
    predictor = open_predictor(file)
    if predictor.identity != measured.model:
        raise InputError(
            "measurements",
            received=f"those of model {measured.model}",
            expected=predictor.identity,
            remedy="Measure this model: `python -m export measure`",
        )
    faces = held_out_faces(data, (predictor,), label_map)
    unseen = compared.load_unseen(predictor.channels)
    return msgspec.structs.replace(
        measured,
        answers=_answers(predictor, faces, unseen, compared.rafdb),
        hard_answers=measure_hard_answers(predictor, faces),
    )


def _answers(
    predictor: Predictor, held_out: FaceSet, unseen: FaceSet | None, rafdb: Path | None
) -> tuple[AnswerPrecision, ...]:
    sets = {f"{held_out.name}, held out": held_out}
    if rafdb is not None:
        sets["RAF-DB"] = load(rafdb, channels=predictor.channels, label_map=RAFDB_MAP)
    if unseen is not None:
        sets[unseen.name] = unseen
    return tuple(measure_answers(predictor, faces, name) for name, faces in sets.items())


def plot_measurements(measured: Measurements, plots: Path) -> None:
    """Draw the plots that need nothing but the measurements: coverage and robustness.

    Args:
        measured: The measurements of a bundle.
        plots: Beginning of the plots' paths.
    """
    plot_risk_coverage(measured.abstention, SmoothingSettings().uncertain_below, plot_path(plots, "coverage"))
    plot_robustness(measured.robustness, plot_path(plots, "robustness"))


def _selection(predictor: Predictor, data: Path, rafdb: Path, ckplus: Path) -> tuple[SelectionScore, ...]:
    """The selection score under each prior that has a name."""
    faces = load_selection_data(data, rafdb, ckplus, predictor.channels)
    return tuple(score_selection(predictor, faces, prior) for prior in NAMED_PRIORS)


def plot_path(beginning: Path, plot: str) -> Path:
    """The path of one of :data:`PLOTS`."""
    return beginning.with_name(f"{beginning.name}-{plot}.png")


def _compare_with_float(file: Path, run: Path, faces: FaceSet) -> Quantized:
    model = load_keras(RunDir(run).model_path)
    compared = compare(
        keras_logits(model, faces.images), Classifier.load(file, prior="training"), faces.images, faces.labels
    )
    return Quantized(
        run=run.resolve().name,
        float_accuracy=compared.keras_accuracy,
        accuracy=compared.device_accuracy,
        agreement=compared.agreement,
    )
