"""Exporting and verifying a run directory: what the two commands do, apart from parsing and printing."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import msgspec

from edge_agent.errors import InputError
from edge_agent.model_format.bundle import Bundle, pack_bundle, read_bundle, unpack_bundle, write_bundle
from edge_agent.model_format.metadata import EARLIER, TRAINING, DataInfo, InputSpec, Metadata, TrainingInfo
from edge_agent.vision.classifier import Classifier, softmax
from export.calibrate import choose_calibration
from export.convert import Quantization, to_tflite, unfolded_arithmetic
from export.golden import record_golden
from export.keras_model import keras_logits, load_keras
from export.verify import Comparison, compare, latency_ms
from train.data import load
from train.data.dataset import FaceSet
from train.data.splits import make_split
from train.fit.run_dir import RunDir, RunRecord
from train.measure.calibration import Calibration, calibrate
from train.measure.evaluate import evaluate

log = logging.getLogger(__name__)

HELD_OUT = "validation"
"""The part of a split that temperature and verification use. Calibration uses ``train``, nothing here uses ``test``."""


_FEW = 200
"""Under so many held-out faces, figures say little: seven points to either side and more, with 95 % probability."""


@dataclass(frozen=True)
class Parts:
    """The parts of a data set that an export may touch, by the split its run was trained with."""

    faces: FaceSet
    train: FaceSet
    held_out: FaceSet


@dataclass(frozen=True)
class Export:
    """An exported model.

    Attributes:
        bundle: As written.
        unfolded: Arithmetic on constants that the converter could not fold into a layer.
    """

    bundle: Bundle
    unfolded: tuple[str, ...]


@dataclass(frozen=True)
class Verification:
    """An exported model measured against its run.

    Attributes:
        bundle: The model.
        comparison: What it says against what the Keras model says.
        latency_ms: Milliseconds a face by batch size, with one thread on this machine.
        runtime: What ran it.
        calibration: How well its confidences match its accuracy.
    """

    bundle: Bundle
    comparison: Comparison
    calibration: Calibration
    latency_ms: dict[int, float]
    runtime: str

    def to_json(self) -> dict[str, object]:
        """Figures as plain JSON values; shares from 0 to 1, the drop in percentage points."""
        compared = self.comparison
        return {
            "model": self.bundle.model_id,
            "quantization": self.bundle.metadata.quantization,
            "faces": compared.faces,
            "keras_accuracy": compared.keras_accuracy,
            "device_accuracy": compared.device_accuracy,
            "accuracy_drop_points": compared.accuracy_drop,
            "agreement": compared.agreement,
            "largest_probability_difference": compared.largest_difference,
            "size_bytes": self.bundle.size_bytes,
            "calibration_error_cross_fitted": self.calibration.cross_fitted_error,
            "calibration_error_by_chance": self.calibration.error_by_chance,
            "latency_ms_per_face": {f"batch_{size}": taken for size, taken in self.latency_ms.items()},
            "runtime": self.runtime,
        }


def export_run(
    run: Path,
    out: Path,
    quantization: Quantization,
    data: Path | None = None,
    *,
    name: str = "",
    licence: str = "",
    note: str = "",
) -> Export:
    """Convert the network of a finished run and write it as a bundle.

    Without data there is nothing to calibrate int8 ranges or the temperature with: float models can be made, and their
    temperature stays 1.

    Raises:
        InputError: The run is unfinished or broken, the data are not of its kind, or int8 is asked for without data.
        ModelError: Keras or TensorFlow is missing, or the file cannot be written.
    """
    record, model = _open_run(run)
    parts = _open_data(data, record) if data is not None else None
    calibration = (
        choose_calibration(parts.train.images, parts.train.labels) if parts and quantization == "int8" else None
    )
    flatbuffer = to_tflite(model, quantization, calibration)
    facts = Metadata(
        name=name or run.resolve().name,
        architecture=record.recipe.model,
        parameters=record.parameters,
        macs=record.macs,
        labels=record.classes,
        input=InputSpec(channels=record.recipe.channels),
        quantization=quantization,
        training=training_info(run.resolve().name, record),
        data=training_data(record),
        licence=licence,
        created_at=_now(),
        note=note,
    )
    if parts is not None:
        facts = _calibrated(facts, flatbuffer, parts, 0 if calibration is None else len(calibration))
    golden = record_golden(unpack_bundle(pack_bundle(flatbuffer, facts), facts.name))
    return Export(write_bundle(out, flatbuffer, facts, golden), unfolded_arithmetic(flatbuffer))


def training_info(run: str, record: RunRecord) -> TrainingInfo:
    """What a bundle tells of the run it came from."""
    return TrainingInfo(
        run=run,
        git_revision=record.git_revision,
        recipe=record.recipe.title,
        seed=record.recipe.seed,
        finished_at=record.finished_at,
        extra_annotation=record.extra_annotation,
        started_from=record.started_from,
        teachers=record.teachers,
        earlier_annotation=record.earlier.annotation,
        earlier_teachers=record.earlier.teachers,
    )


def training_data(record: RunRecord) -> tuple[DataInfo, ...]:
    """What a bundle tells of the data its weights learnt from; the run's own comes first."""
    own = DataInfo(
        name=record.data,
        sha256=record.fingerprint,
        protocol=record.protocol,
        images=record.images,
        note=record.protocol_note,
    )
    earlier = (
        DataInfo(name=name, sha256=sha256, protocol=protocol, use=EARLIER)
        for sha256, name in record.earlier.data.items()
        for protocol in record.earlier.splits.get(sha256, ("",))
    )
    return (own, *earlier)


def check_of_run(bundle: Bundle, run: RunDir) -> RunRecord:
    """The record of the run that a bundle came from.

    Raises:
        InputError: The bundle is of another run.
    """
    record, facts = run.record(), bundle.metadata
    theirs = (record.finished_at, record.recipe.seed, record.classes, record.fingerprint)
    ours = (facts.training.finished_at, facts.training.seed, facts.labels, facts.data[0].sha256 if facts.data else "")
    if theirs != ours:
        raise InputError(
            f"{run.path}",
            received=f"the record of a run finished {record.finished_at or 'never'}",
            expected=f"that of {facts.training.run}, finished {facts.training.finished_at}",
            remedy="Name the run this model was exported from",
        )
    return record


def describe_again(bundle: Bundle, run: RunDir) -> Metadata:
    """A bundle's metadata with all that its run's record tells, for bundles made when they told less.

    Raises:
        InputError: The bundle is of another run.
    """
    record, facts = check_of_run(bundle, run), bundle.metadata
    used = [data for data in facts.data if data.use not in (TRAINING, EARLIER)]
    return msgspec.structs.replace(
        facts, training=training_info(facts.training.run, record), data=(*training_data(record), *used)
    )


def verify_run(run: Path, file: Path, data: Path, *, runtime: str = "auto") -> Verification:
    """Measure a bundle against the run it should have come from, through the device's classifier with one thread.

    Raises:
        InputError: The run is unfinished or broken, the data are not of its kind, or the labels differ.
        ModelError: The bundle cannot be used, or Keras or TensorFlow is missing.
    """
    bundle = read_bundle(file)
    classifier = Classifier(bundle, runtime=runtime, threads=1)
    record, model = _open_run(run)
    if (classifier.labels, classifier.channels) != (record.classes, record.recipe.channels):
        raise InputError(
            f"{file}: labels",
            received=f"{', '.join(classifier.labels)} from {classifier.channels} channels",
            expected=f"{', '.join(record.classes)} from {record.recipe.channels}",
            remedy="Name the run this model was exported from",
        )
    held_out = _open_data(data, record).held_out
    return Verification(
        bundle=bundle,
        comparison=compare(keras_logits(model, held_out.images), classifier, held_out.images, held_out.labels),
        calibration=calibrate(classifier.logits(held_out.images), held_out.labels),
        latency_ms=latency_ms(classifier, held_out.images),
        runtime=classifier.runtime_name,
    )


def _open_run(path: Path) -> tuple[RunRecord, Any]:
    """What was run, and the finished Keras model."""
    run = RunDir(path)
    record = run.record()
    run.check_finished()
    return record, load_keras(run.model_path)


def _open_data(path: Path, record: RunRecord) -> Parts:
    """The run's training and held-out faces, read again."""
    faces = load(path, channels=record.recipe.channels)
    record.check_classes(path, faces.classes)
    if faces.fingerprint() != record.fingerprint:
        log.warning(
            "%s is not the data the run was trained on (fingerprint %s, the run's %s): unless its split is the "
            "publisher's own, held-out faces may have been learned from.",
            path,
            faces.fingerprint()[:12],
            record.fingerprint[:12],
        )
    split = make_split(faces, record.protocol)
    return Parts(faces, faces.take(split.train), faces.take(split.validation))


def _calibrated(facts: Metadata, flatbuffer: bytes, parts: Parts, calibration: int) -> Metadata:
    """The metadata with temperature and figures of this very model; ``calibration`` pictures gave it its ranges."""
    held_out = parts.held_out
    if len(held_out) < _FEW:
        log.warning(
            "temperature and figures rest on %d held-out faces: the accuracy may be some %.0f points off either way",
            len(held_out),
            100 * 1.96 * 0.5 / len(held_out) ** 0.5,
        )
    logits = Classifier(unpack_bundle(pack_bundle(flatbuffer, facts), facts.name)).logits(held_out.images)
    fitted = calibrate(logits, held_out.labels)
    scored = evaluate(softmax(logits, fitted.temperature), held_out.labels, facts.labels)
    figures = ("accuracy", "balanced_accuracy", "macro_f1", "calibration_error", "nll")
    used = DataInfo(
        name=parts.faces.name,
        sha256=parts.faces.fingerprint(),
        protocol=facts.data[0].protocol,
        images={"calibration": calibration, HELD_OUT: len(held_out)},
        use="ranges and temperature" if calibration else "temperature",
    )
    return msgspec.structs.replace(
        facts,
        temperature=round(fitted.temperature, 6),
        temperature_fitted_on=HELD_OUT,
        metrics={
            HELD_OUT: {
                "images": scored.images,
                **{name: round(getattr(scored, name), 6) for name in figures},
                "calibration_error_cross_fitted": round(fitted.cross_fitted_error, 6),
                "calibration_error_by_chance": round(fitted.error_by_chance, 6),
                **{f"recall_{one.label}": round(one.recall, 6) for one in scored.classes if one.recall is not None},
            }
        },
        data=(*facts.data, used),
    )


def _now() -> str:
    """The moment of the export, or the one that ``SOURCE_DATE_EPOCH`` sets where equal bytes are wanted."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    moment = datetime.fromtimestamp(int(epoch), timezone.utc) if epoch else datetime.now(timezone.utc)
    return moment.isoformat(timespec="seconds")
