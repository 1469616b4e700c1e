"""How much accuracy models lose when faces are spoilt: the corruptions of :mod:`train.measure.corruptions`, counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from train.common.table import table
from train.data.dataset import FaceSet
from train.measure.corruptions import CORRUPTIONS, Corruption
from train.measure.predictors import Predictor


class Spoilt(msgspec.Struct, frozen=True, kw_only=True):
    """Accuracy, 0 to 1, under one corruption."""

    kind: str
    strength: str
    accuracy: float


class Robustness(msgspec.Struct, frozen=True, kw_only=True):
    """What corruptions do to one model.

    Attributes:
        model: Its identity, 12 hex digits.
        name: What reports call it.
        faces: How many were read.
        seed: Of the corruptions.
        clean: Accuracy on the faces as they are.
        spoilt: Accuracy under each corruption.
        mean_loss: What is lost of ``clean``, a difference of shares: the mean over the strengths of each kind, then
            over the kinds, so that a kind with more strengths does not count more.
    """

    model: str
    name: str
    faces: int
    seed: int
    clean: float
    spoilt: tuple[Spoilt, ...]
    mean_loss: float


def measure_robustness(
    predictors: Sequence[Predictor],
    faces: FaceSet,
    *,
    corruptions: Sequence[Corruption] = CORRUPTIONS,
    seed: int = 0,
    on_step: Callable[[str], None] = lambda _: None,
) -> tuple[Robustness, ...]:
    """Read the same spoilt faces with every model.

    Args:
        predictors: The models; their labels are the faces' classes.
        faces: None of which any of them was trained on.
        corruptions: What to do to the faces.
        seed: Which directions, levels and grains.
        on_step: Told before each corruption.
    """
    on_step("faces as they are")
    clean = [_accuracy(predictor, faces.images, faces) for predictor in predictors]
    accuracies: list[list[Spoilt]] = [[] for _ in predictors]
    for corruption in corruptions:
        on_step(f"{corruption.kind}, {corruption.strength}")
        images = corruption.apply(faces.images, seed)
        for found, predictor in zip(accuracies, predictors, strict=True):
            accuracy = _accuracy(predictor, images, faces)
            found.append(Spoilt(kind=corruption.kind, strength=corruption.strength, accuracy=accuracy))
    return tuple(
        Robustness(
            model=predictor.identity,
            name=predictor.name,
            faces=len(faces),
            seed=seed,
            clean=share,
            spoilt=tuple(spoilt),
            mean_loss=mean_loss(share, spoilt),
        )
        for predictor, share, spoilt in zip(predictors, clean, accuracies, strict=True)
    )


def mean_loss(clean: float, spoilt: Sequence[Spoilt]) -> float:
    """What is lost of the clean accuracy: the mean over each kind's strengths, then over the kinds."""
    kinds = dict.fromkeys(one.kind for one in spoilt)
    losses = [np.mean([clean - one.accuracy for one in spoilt if one.kind == kind]) for kind in kinds]
    return float(np.mean(losses)) if losses else 0.0


def render(measured: Sequence[Robustness]) -> str:
    """A table of accuracies with a column for each model, and what each loses on average."""
    rows: list[list[str]] = [["as they are", "", *(f"{one.clean:.1%}" for one in measured)]]
    for index, spoilt in enumerate(measured[0].spoilt):
        told = (one.spoilt[index].accuracy - one.clean for one in measured)
        cells = [
            f"{one.spoilt[index].accuracy:.1%} ({100 * loss:+.1f})" for one, loss in zip(measured, told, strict=True)
        ]
        rows.append([spoilt.kind, spoilt.strength, *cells])
    rows.append(
        ["mean change", "in points, each kind counting once", *(f"{-100 * one.mean_loss:+.1f}" for one in measured)]
    )
    return table(["faces", "strength", *(one.name for one in measured)], rows)


def compare_losses(measured: Sequence[Robustness]) -> str:
    """One sentence for each further model: what the first loses of what that one loses; empty for one model."""
    first, *others = measured
    return "\n".join(
        f"On average {first.name} loses {100 * first.mean_loss:.1f} points and {other.name} {100 * other.mean_loss:.1f}"
        + (f": {first.mean_loss / other.mean_loss:.0%} of that." if other.mean_loss > 0 else ".")
        for other in others
    )


def _accuracy(predictor: Predictor, images: NDArray[np.uint8], faces: FaceSet) -> float:
    return float(np.mean(predictor.logits(images).argmax(axis=1) == faces.labels))
