"""Verification of an export: the bundle, in the device's own classifier, compared with the network of its run."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_agent.errors import CheckFailed, InputError
from edge_agent.model_format.bundle import Bundle, read_bundle
from edge_agent.vision.classifier import Classifier, softmax
from export.keras_model import keras_logits
from export.limits import Limits
from export.run_inputs import open_data, open_run
from train.data.label_map import NO_LABEL_MAP, LabelMap
from train.measure.calibration import Calibration, calibrate

LATENCY_BATCHES = (1, 8)
"""Batch sizes for which the time per face is measured."""


@dataclass(frozen=True)
class Comparison:
    """A trained and an exported model on the same faces.

    Attributes:
        faces: Number of faces compared.
        keras_accuracy: Share that the trained model classifies correctly.
        device_accuracy: Share that the exported model classifies correctly.
        agreement: Share for which both give the same label.
        largest_difference: Largest difference between two probabilities of the same face and label.
    """

    faces: int
    keras_accuracy: float
    device_accuracy: float
    agreement: float
    largest_difference: float

    @property
    def accuracy_drop(self) -> float:
        """Percentage points lost by the export; negative where it gained."""
        return 100 * (self.keras_accuracy - self.device_accuracy)


@dataclass(frozen=True)
class Verification:
    """An exported model measured against its run.

    Attributes:
        bundle: The model.
        comparison: Its answers compared with those of the Keras model.
        calibration: How well its confidences match its accuracy.
        latency_ms: Milliseconds per face by batch size, with one thread on this machine.
        runtime: The name of the runtime that ran it.
    """

    bundle: Bundle
    comparison: Comparison
    calibration: Calibration
    latency_ms: dict[int, float]
    runtime: str

    def to_json(self) -> dict[str, object]:
        """The results as plain JSON values; shares from 0 to 1, the drop in percentage points."""
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


def verify_run(
    run: Path, file: Path, data: Path, *, runtime: str = "auto", label_map: LabelMap = NO_LABEL_MAP
) -> Verification:
    """Measure a bundle against the run it was exported from, in the device's classifier with one thread.

    Args:
        run: The run directory.
        file: The bundle.
        data: The data the run was trained on; only the held-out part is used.
        runtime: Name of the TFLite runtime, or ``auto``.

    Raises:
        InputError: The run is unfinished or broken, the data are not of its kind, or the labels differ.
        ModelError: The bundle cannot be used, or Keras or TensorFlow is missing.
    """
    bundle = read_bundle(file)
    classifier = Classifier(bundle, runtime=runtime, threads=1, prior="training")
    record, model = open_run(run)
    if (classifier.labels, classifier.channels) != (record.classes, record.recipe.channels):
        raise InputError(
            f"{file}: labels",
            received=f"{', '.join(classifier.labels)} from {classifier.channels} channels",
            expected=f"{', '.join(record.classes)} from {record.recipe.channels}",
            remedy="Name the run this model was exported from",
        )
    held_out = open_data(data, record, label_map).held_out
    return Verification(
        bundle=bundle,
        comparison=compare(keras_logits(model, held_out.images), classifier, held_out.images, held_out.labels),
        calibration=calibrate(classifier.logits(held_out.images), held_out.labels),
        latency_ms=latency_ms(classifier, held_out.images),
        runtime=classifier.runtime_name,
    )


def compare(
    trained_logits: NDArray[np.float32], classifier: Classifier, images: NDArray[np.uint8], labels: NDArray[np.int64]
) -> Comparison:
    """Compare the answers of a trained model with those of the device.

    Args:
        trained_logits: ``float32 (N, K)`` of the trained model for ``images``.
        classifier: The exported model, with the prior of its training. Its temperature is applied to both.
        images: ``uint8 (N, 48, 48, C)``, held out from training.
        labels: ``int64 (N,)``.

    Raises:
        InputError: There are no faces.
    """
    if len(labels) == 0:
        raise InputError("verification", received="no held-out faces", expected="at least one")
    trained = softmax(trained_logits, classifier.metadata.temperature)
    exported = classifier.predict(images)
    trained_label, exported_label = trained.argmax(axis=1), exported.argmax(axis=1)
    return Comparison(
        faces=len(labels),
        keras_accuracy=float(np.mean(trained_label == labels)),
        device_accuracy=float(np.mean(exported_label == labels)),
        agreement=float(np.mean(trained_label == exported_label)),
        largest_difference=float(np.abs(trained - exported).max()),
    )


def check(comparison: Comparison, limits: Limits) -> None:
    """Refuse an export that lost too much.

    Raises:
        CheckFailed: It names each value measured and the one allowed.
    """
    failures = []
    # Shares are floating-point numbers: a drop of exactly the limit must not fail by its last bit.
    if comparison.accuracy_drop > limits.max_accuracy_drop + 1e-9:
        failures.append(
            f"accuracy fell by {comparison.accuracy_drop:.2f} points "
            f"({comparison.keras_accuracy:.2%} to {comparison.device_accuracy:.2%}), "
            f"allowed {limits.max_accuracy_drop:g}"
        )
    if 100 * comparison.agreement < limits.min_agreement - 1e-9:
        failures.append(f"labels agree on {comparison.agreement:.2%} of faces, required {limits.min_agreement:g} %")
    if failures:
        raise CheckFailed(
            f"the exported model differs too much from the trained one on {comparison.faces:,} faces: "
            + "; ".join(failures),
            remedy="Check that the file was exported from this run, or export it with --quantization float16",
        )


def check_calibration(calibration: Calibration, allowed: float) -> None:
    """Refuse a model whose cross-fitted calibration error is above ``allowed`` percent.

    Raises:
        CheckFailed: It names the error measured, the one allowed, and the one that chance alone gives.
    """
    if 100 * calibration.cross_fitted_error > allowed:
        raise CheckFailed(
            "calibration error, cross-fitted",
            received=f"{calibration.cross_fitted_error:.2%}",
            expected=f"{allowed:g} % at most (chance alone gives {calibration.error_by_chance:.2%} on as many faces)",
            remedy="Change label smoothing or the augmentation of the last epochs, and train again",
        )


def latency_ms(classifier: Classifier, images: NDArray[np.uint8], repeats: int = 50) -> dict[int, float]:
    """Median milliseconds per face, by batch size. Faces are repeated where there are fewer than a batch holds."""
    found = {}
    for size in LATENCY_BATCHES:
        batch = np.resize(images, (size, *images.shape[1:]))
        classifier.predict(batch)
        taken = []
        for _ in range(repeats):
            started = time.perf_counter()
            classifier.predict(batch)
            taken.append(time.perf_counter() - started)
        found[size] = 1000 * float(np.median(taken)) / size
    return found
