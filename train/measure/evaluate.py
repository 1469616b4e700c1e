"""Scores of predictions: pure functions of probabilities and labels."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from train.common.table import table

CALIBRATION_BINS = 15
"""Number of equally wide confidence bins of the calibration error, as in Guo et al. 2017."""

_MIN_PROBABILITY = 1e-12
_Z_95 = 1.959963984540054


@dataclass(frozen=True)
class CalibrationBin:
    """Predictions whose confidence lies in ``(low, high]``; the first bin includes 0.

    Attributes:
        low: Lower edge.
        high: Upper edge.
        count: Number of predictions in the bin.
        confidence: Their mean confidence; 0 where there are none.
        accuracy: Share of them that is correct; 0 where there are none.
    """

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class ClassScore:
    """Scores of one class; shares from 0 to 1.

    Attributes:
        label: Its name.
        support: Number of images with this label.
        recall: Share of these that are predicted as this class; None without support.
        precision: Share of the images predicted as this class that have the label; None where none is predicted so.
        f1: Harmonic mean of both; None where both are.
    """

    label: str
    support: int
    recall: float | None
    precision: float | None
    f1: float | None


@dataclass(frozen=True)
class Evaluation:
    """Scores of one model on one set of labelled images; shares from 0 to 1.

    Attributes:
        images: Number of images.
        accuracy: Share whose most probable class is the label; the first of equally probable ones counts.
        interval: Wilson's 95 % interval of the accuracy.
        balanced_accuracy: Mean recall of the classes that occur.
        macro_f1: Mean F1 of the classes that occur or were predicted.
        calibration_error: Expected calibration error: mean distance of confidence and accuracy, bins weighted by count.
        nll: Mean negative log likelihood of the labels in nats; probabilities below 1e-12 count as 1e-12.
        classes: Score of each class, in label order.
        confusion: Images by label (row) and predicted class (column).
        calibration: The bins behind ``calibration_error``.
    """

    images: int
    accuracy: float
    interval: tuple[float, float]
    balanced_accuracy: float
    macro_f1: float
    calibration_error: float
    nll: float
    classes: tuple[ClassScore, ...]
    confusion: tuple[tuple[int, ...], ...]
    calibration: tuple[CalibrationBin, ...]

    def to_json(self) -> dict[str, object]:
        """The same as plain JSON values."""
        return asdict(self)


def evaluate(probabilities: NDArray[np.floating], labels: NDArray[np.integer], classes: tuple[str, ...]) -> Evaluation:
    """Score predictions.

    Args:
        probabilities: ``(N, len(classes))``, each row summing to 1, N at least 1.
        labels: ``(N,)`` indices into ``classes``.
        classes: Names in the order of the columns.

    Raises:
        ValueError: The shapes disagree, N is 0, a row is no distribution, or a label is out of range.
    """
    given = np.asarray(probabilities, np.float64)
    truth = np.asarray(labels, np.int64)
    _check(given, truth, classes)
    predicted = given.argmax(axis=1)
    confusion = confusion_matrix(truth, predicted, len(classes))
    scores = _class_scores(confusion, classes)
    correct = int(np.trace(confusion))
    bins = calibration_bins(given.max(axis=1), predicted == truth)
    return Evaluation(
        images=len(truth),
        accuracy=correct / len(truth),
        interval=wilson_interval(correct, len(truth)),
        balanced_accuracy=_mean([score.recall for score in scores]),
        macro_f1=_mean([score.f1 for score in scores]),
        calibration_error=expected_calibration_error(bins),
        nll=float(-np.log(np.maximum(given[np.arange(len(truth)), truth], _MIN_PROBABILITY)).mean()),
        classes=scores,
        confusion=tuple(tuple(int(cell) for cell in row) for row in confusion),
        calibration=bins,
    )


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """Wilson's 95 % score interval (1927) of a share, within 0 and 1.

    Raises:
        ValueError: There are no trials, or more successes than trials.
    """
    if not 0 <= successes <= trials or trials == 0:
        raise ValueError(f"got {successes} successes of {trials} trials, expected 0 <= successes <= trials and a trial")
    share, squared = successes / trials, _Z_95**2
    middle = (share + squared / (2 * trials)) / (1 + squared / trials)
    margin = _Z_95 / (1 + squared / trials) * sqrt(share * (1 - share) / trials + squared / (4 * trials**2))
    # At 0 and at 1 the bound is exact; rounding would move it slightly.
    low = 0.0 if successes == 0 else middle - margin
    return low, 1.0 if successes == trials else middle + margin


def confusion_matrix(labels: NDArray[np.int64], predicted: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """``int64 (classes, classes)``: images by label (row) and predicted class (column)."""
    return np.bincount(labels * classes + predicted, minlength=classes**2).reshape(classes, classes).astype(np.int64)


def calibration_bins(confidence: NDArray[np.float64], correct: NDArray[np.bool_]) -> tuple[CalibrationBin, ...]:
    """Group predictions by confidence into :data:`CALIBRATION_BINS` equally wide bins; empty ones are included."""
    edges = np.linspace(0, 1, CALIBRATION_BINS + 1)
    chosen = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, CALIBRATION_BINS - 1)
    found = []
    for index in range(CALIBRATION_BINS):
        inside = chosen == index
        count = int(inside.sum())
        found.append(
            CalibrationBin(
                low=float(edges[index]),
                high=float(edges[index + 1]),
                count=count,
                confidence=float(confidence[inside].mean()) if count else 0.0,
                accuracy=float(correct[inside].mean()) if count else 0.0,
            )
        )
    return tuple(found)


def expected_calibration_error(bins: tuple[CalibrationBin, ...]) -> float:
    """Mean distance of confidence and accuracy, bins weighted by count, 0 to 1 (Guo et al. 2017)."""
    return sum(bin_.count * abs(bin_.confidence - bin_.accuracy) for bin_ in bins) / sum(bin_.count for bin_ in bins)


def to_markdown(evaluation: Evaluation, title: str = "Evaluation") -> str:
    """An evaluation as Markdown that is also readable in a terminal."""
    low, high = evaluation.interval
    statistics = [
        ["accuracy", f"{evaluation.accuracy:.2%} (95 % interval {low:.2%} to {high:.2%})"],
        ["balanced accuracy", f"{evaluation.balanced_accuracy:.2%}"],
        ["macro-F1", f"{evaluation.macro_f1:.2%}"],
        [f"calibration error ({CALIBRATION_BINS} bins)", f"{evaluation.calibration_error:.2%}"],
        ["negative log likelihood", f"{evaluation.nll:.4f}"],
    ]
    names = [score.label for score in evaluation.classes]
    scores = [
        [score.label, score.support, *(map(_percent, (score.recall, score.precision, score.f1)))]
        for score in evaluation.classes
    ]
    confusion = [[name, *row] for name, row in zip(names, evaluation.confusion, strict=True)]
    return (
        "\n\n".join(
            [
                f"# {title}",
                table([f"{evaluation.images:,} images", "statistic"], statistics),
                table(["class", "images", "recall", "precision", "F1"], scores),
                "Labels in rows, predictions in columns:",
                table(["label", *names], confusion),
            ]
        )
        + "\n"
    )


def _check(probabilities: NDArray[np.float64], labels: NDArray[np.int64], classes: tuple[str, ...]) -> None:
    if labels.ndim != 1 or probabilities.shape != (len(labels), len(classes)) or not len(labels):
        raise ValueError(
            f"got probabilities {probabilities.shape} and labels {labels.shape}, "
            f"expected (N, {len(classes)}) and (N,), N at least 1"
        )
    if not np.isfinite(probabilities).all() or probabilities.min() < 0:
        raise ValueError("got probabilities that are negative or no numbers, expected 0 to 1")
    sums = probabilities.sum(axis=1)
    if np.abs(sums - 1).max() > 1e-3:
        raise ValueError(f"got rows summing to {sums.min():.4f} to {sums.max():.4f}, expected 1")
    if labels.min() < 0 or labels.max() >= len(classes):
        raise ValueError(f"got labels {labels.min()} to {labels.max()}, expected 0 to {len(classes) - 1}")


def _class_scores(confusion: NDArray[np.int64], classes: tuple[str, ...]) -> tuple[ClassScore, ...]:
    scores = []
    for index, label in enumerate(classes):
        hits, support = int(confusion[index, index]), int(confusion[index].sum())
        predicted = int(confusion[:, index].sum())
        scores.append(
            ClassScore(
                label=label,
                support=support,
                recall=hits / support if support else None,
                precision=hits / predicted if predicted else None,
                f1=2 * hits / (support + predicted) if support + predicted else None,
            )
        )
    return tuple(scores)


def _mean(values: list[float | None]) -> float:
    known = [value for value in values if value is not None]
    return sum(known) / len(known)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"
