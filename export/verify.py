"""Does the exported model still say what the trained one said? Judged through the device's own classifier."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_agent.errors import CheckFailed, InputError
from edge_agent.vision.classifier import Classifier, softmax
from train.measure.calibration import Calibration

LATENCY_BATCHES = (1, 8)
"""Batch sizes whose time a face is told."""


@dataclass(frozen=True)
class Comparison:
    """A trained and an exported model on the same faces.

    Attributes:
        faces: How many were compared.
        keras_accuracy: Share the trained model gets right.
        device_accuracy: Share the exported model gets right.
        agreement: Share on which both give the same label.
        largest_difference: Largest distance between two probabilities of the same face and label.
    """

    faces: int
    keras_accuracy: float
    device_accuracy: float
    agreement: float
    largest_difference: float

    @property
    def accuracy_drop(self) -> float:
        """Percentage points the export lost; negative where it gained."""
        return 100 * (self.keras_accuracy - self.device_accuracy)


@dataclass(frozen=True)
class Limits:
    """What an export may lose: accuracy in percentage points, agreement in percent."""

    max_accuracy_drop: float = 0.5
    min_agreement: float = 97.0


def compare(
    keras_logits: NDArray[np.float32], classifier: Classifier, images: NDArray[np.uint8], labels: NDArray[np.int64]
) -> Comparison:
    """Compare what a trained model said with what the device says.

    Args:
        keras_logits: ``float32 (N, K)`` of the trained model for ``images``.
        classifier: The exported model. Its temperature is applied to both.
        images: ``uint8 (N, 48, 48, C)``, held out from training.
        labels: ``int64 (N,)``.

    Raises:
        InputError: There are no faces.
    """
    if len(labels) == 0:
        raise InputError("verification", received="no held-out faces", expected="at least one")
    trained = softmax(keras_logits, classifier.metadata.temperature)
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
        CheckFailed: With each figure measured against the one allowed.
    """
    failures = []
    # A share of N faces in floating point: a drop of exactly the limit must not fail by its last bit.
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
        CheckFailed: With the error measured against the one allowed, and what chance alone would give.
    """
    if 100 * calibration.cross_fitted_error > allowed:
        raise CheckFailed(
            "calibration error, cross-fitted",
            received=f"{calibration.cross_fitted_error:.2%}",
            expected=f"{allowed:g} % at most (chance alone gives {calibration.error_by_chance:.2%} on so many faces)",
            remedy="Change label smoothing or the last epochs' variation, and train again",
        )


def latency_ms(classifier: Classifier, images: NDArray[np.uint8], repeats: int = 50) -> dict[int, float]:
    """Median milliseconds a face, by batch size. Faces are repeated where there are fewer than a batch holds."""
    found = {}
    for size in LATENCY_BATCHES:
        batch = np.resize(images, (size, *images.shape[1:]))
        classifier.predict(batch)
        taken = []
        for _ in range(repeats):
            begun = time.perf_counter()
            classifier.predict(batch)
            taken.append(time.perf_counter() - begun)
        found[size] = 1000 * float(np.median(taken)) / size
    return found
