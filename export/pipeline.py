"""From a finished run to a model bundle: convert, calibrate, measure, write."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import msgspec

from edge_agent.model_format.accuracy import check_accuracy
from edge_agent.model_format.bundle import Bundle, pack_bundle, read_bundle, unpack_bundle, write_bundle
from edge_agent.model_format.metadata import DataInfo, InputSpec, Metadata
from edge_agent.vision.classifier import BUNDLED_MODEL, BUNDLED_MODELS, Classifier, softmax
from export.bundle_metadata import training_data, training_info
from export.calibrate import choose_calibration
from export.convert import Quantization, to_tflite, unfolded_arithmetic
from export.golden import record_golden
from export.run_inputs import HELD_OUT, Parts, open_data, open_run
from train.data.label_map import NO_LABEL_MAP, LabelMap
from train.measure.calibration import calibrate
from train.measure.evaluate import evaluate

log = logging.getLogger(__name__)

_FEW = 200
"""With fewer held-out faces the scores are uncertain: by seven points or more to either side, with 95 % probability."""


@dataclass(frozen=True)
class Export:
    """An exported model.

    Attributes:
        bundle: The bundle as written.
        unfolded: Arithmetic on constants that the converter could not fold into a layer.
        compared: Its accuracy beside that of the model in use, in a line.
    """

    bundle: Bundle
    unfolded: tuple[str, ...]
    compared: str


@dataclass(frozen=True)
class BundleTexts:
    """What a person says of a model.

    Attributes:
        name: The model's name; the run's name unless given.
        licence: The licence of the weights.
        note: What users of the model should know.
    """

    name: str = ""
    licence: str = ""
    note: str = ""


def export_run(
    run: Path,
    out: Path,
    quantization: Quantization,
    data: Path | None = None,
    *,
    texts: BundleTexts = BundleTexts(),
    label_map: LabelMap = NO_LABEL_MAP,
    present: Path | None = None,
    force: bool = False,
) -> Export:
    """Convert the network of a finished run and write it as a bundle.

    Without data neither int8 ranges nor the temperature can be calibrated. Then only float models can be made, and
    their temperature is 1.

    Args:
        run: The run directory.
        out: The bundle to write.
        quantization: How weights and arithmetic are stored.
        data: The data the run was trained on.
        texts: What a person says of the model.
        label_map: What the data's class names mean.
        present: The bundle in use; unless given, the one of the same network that comes with the agent.
        force: Write the bundle although its accuracy is worse than that of the one in use.

    Raises:
        InputError: The run is unfinished or broken, the data are not of its kind, or int8 is asked for without data.
        ModelError: Keras or TensorFlow is missing, or the file cannot be written.
        CheckFailed: Its accuracy is worse than that of the bundle in use beyond chance; nothing is written.
    """
    record, model = open_run(run)
    in_use = read_bundle(present or BUNDLED_MODELS.get(record.recipe.model, BUNDLED_MODEL))
    parts = open_data(data, record, label_map) if data is not None else None
    calibration = (
        choose_calibration(parts.train.images, parts.train.labels) if parts and quantization == "int8" else None
    )
    flatbuffer = to_tflite(model, quantization, calibration)
    facts = Metadata(
        name=texts.name or run.resolve().name,
        architecture=record.recipe.model,
        parameters=record.parameters,
        macs=record.macs,
        labels=record.classes,
        input=InputSpec(channels=record.recipe.channels),
        quantization=quantization,
        training=training_info(run.resolve().name, record),
        data=training_data(record),
        prior=record.prior,
        licence=texts.licence,
        created_at=_now(),
        note=texts.note,
    )
    if parts is not None:
        facts = _calibrated(facts, flatbuffer, parts, 0 if calibration is None else len(calibration))
    compared = check_accuracy(facts, in_use.metadata, force=force)
    golden = record_golden(unpack_bundle(pack_bundle(flatbuffer, facts), facts.name))
    return Export(write_bundle(out, flatbuffer, facts, golden), unfolded_arithmetic(flatbuffer), compared)


def _calibrated(facts: Metadata, flatbuffer: bytes, parts: Parts, calibration: int) -> Metadata:
    """Add temperature and scores of this very model; ``calibration`` is the number of images used for its ranges."""
    held_out = parts.held_out
    if len(held_out) < _FEW:
        log.warning(
            "temperature and scores were measured on only %d held-out faces: the accuracy may be wrong by %.0f points "
            "either way",
            len(held_out),
            100 * 1.96 * 0.5 / len(held_out) ** 0.5,
        )
    logits = Classifier(unpack_bundle(pack_bundle(flatbuffer, facts), facts.name)).logits(held_out.images)
    fitted = calibrate(logits, held_out.labels)
    scored = evaluate(softmax(logits, fitted.temperature), held_out.labels, facts.labels)
    scores = ("accuracy", "balanced_accuracy", "macro_f1", "calibration_error", "nll")
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
                **{name: round(getattr(scored, name), 6) for name in scores},
                "calibration_error_cross_fitted": round(fitted.cross_fitted_error, 6),
                "calibration_error_by_chance": round(fitted.error_by_chance, 6),
                **{f"recall_{one.label}": round(one.recall, 6) for one in scored.classes if one.recall is not None},
            }
        },
        data=(*facts.data, used),
    )


def _now() -> str:
    """The time of the export, or the one that ``SOURCE_DATE_EPOCH`` sets for reproducible bytes."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    moment = datetime.fromtimestamp(int(epoch), timezone.utc) if epoch else datetime.now(timezone.utc)
    return moment.isoformat(timespec="seconds")
