"""The accuracy that models lose on corrupted faces, under each of :mod:`train.measure.corruptions`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from train.common.table import table
from train.data.dataset import FaceSet
from train.measure.corruptions import CORRUPTIONS, Corruption
from train.measure.predictors import Predictor


class CorruptionScore(msgspec.Struct, frozen=True, kw_only=True):
    """Accuracy, 0 to 1, under one corruption."""

    kind: str
    strength: str
    accuracy: float


class Robustness(msgspec.Struct, frozen=True, kw_only=True):
    """The accuracy of one model under each corruption.

    Attributes:
        model: Its identity, 12 hex digits.
        name: Its name in reports.
        faces: Number of faces classified.
        seed: Of the corruptions.
        clean: Accuracy on the faces as they are.
        corrupted: Accuracy under each corruption.
        mean_loss: Loss of accuracy against ``clean``, a difference of shares: the mean over the strengths of each kind,
            then over the kinds, so that a kind with more strengths does not count more.
    """

    model: str
    name: str
    faces: int
    seed: int
    clean: float
    corrupted: tuple[CorruptionScore, ...] = msgspec.field(name="spoilt")
    mean_loss: float


def measure_robustness(
    predictors: Sequence[Predictor],
    faces: FaceSet,
    *,
    corruptions: Sequence[Corruption] = CORRUPTIONS,
    seed: int = 0,
    on_step: Callable[[str], None] = lambda _: None,
) -> tuple[Robustness, ...]:
    """Measure the accuracy of every model on the same corrupted faces.

    Args:
        predictors: The models; their labels are the faces' classes.
        faces: Faces that none of them was trained on.
        corruptions: What to do to the faces.
        seed: Of the random directions, gray levels and noise.
        on_step: Called with the name of each corruption before it is measured.

    Returns:
        One result for each model, in the same order.
    """
    on_step("faces as they are")
    clean = [_accuracy(predictor, faces.images, faces) for predictor in predictors]
    accuracies: list[list[CorruptionScore]] = [[] for _ in predictors]
    for corruption in corruptions:
        on_step(f"{corruption.kind}, {corruption.strength}")
        images = corruption.apply(faces.images, seed)
        for found, predictor in zip(accuracies, predictors, strict=True):
            accuracy = _accuracy(predictor, images, faces)
            found.append(CorruptionScore(kind=corruption.kind, strength=corruption.strength, accuracy=accuracy))
    return tuple(
        Robustness(
            model=predictor.identity,
            name=predictor.name,
            faces=len(faces),
            seed=seed,
            clean=share,
            corrupted=tuple(scores),
            mean_loss=mean_loss(share, scores),
        )
        for predictor, share, scores in zip(predictors, clean, accuracies, strict=True)
    )


def mean_loss(clean: float, scores: Sequence[CorruptionScore]) -> float:
    """The mean loss of accuracy: first over the strengths of each kind, then over the kinds."""
    kinds = dict.fromkeys(score.kind for score in scores)
    losses = [np.mean([clean - score.accuracy for score in scores if score.kind == kind]) for kind in kinds]
    return float(np.mean(losses)) if losses else 0.0


def to_markdown(measured: Sequence[Robustness]) -> str:
    """A table of accuracies with a column for each model, and the mean change of each."""
    rows: list[list[str]] = [["as they are", "", *(f"{one.clean:.1%}" for one in measured)]]
    for index, corruption in enumerate(measured[0].corrupted):
        accuracies = [one.corrupted[index].accuracy for one in measured]
        cells = [
            f"{accuracy:.1%} ({100 * (accuracy - one.clean):+.1f})"
            for accuracy, one in zip(accuracies, measured, strict=True)
        ]
        rows.append([corruption.kind, corruption.strength, *cells])
    rows.append(
        ["mean change", "in points, each kind counting once", *(f"{-100 * one.mean_loss:+.1f}" for one in measured)]
    )
    return table(["faces", "strength", *_names(measured)], rows)


def compare_losses(measured: Sequence[Robustness]) -> str:
    """One sentence for each further model, which compares its mean loss with the first's; empty for one model."""
    first, *others = measured
    own, *names = _names(measured)
    return "\n".join(
        f"On average {own} loses {100 * first.mean_loss:.1f} points and {name} {100 * other.mean_loss:.1f}"
        + (f": {first.mean_loss / other.mean_loss:.0%} of that." if other.mean_loss > 0 else ".")
        for other, name in zip(others, names, strict=True)
    )


def _names(measured: Sequence[Robustness]) -> list[str]:
    """What each model is called in reports; models of the same name are told apart by their identity."""
    names = [name for name, _ in {(one.name, one.model) for one in measured}]
    return [one.name if names.count(one.name) == 1 else f"{one.name} ({one.model})" for one in measured]


def _accuracy(predictor: Predictor, images: NDArray[np.uint8], faces: FaceSet) -> float:
    return float(np.mean(predictor.logits(images).argmax(axis=1) == faces.labels))
