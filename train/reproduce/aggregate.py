"""Several trainings of one row, seeds or folds, brought to one figure each with its spread and interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Literal, get_args

import msgspec

from train.measure.evaluate import wilson_interval
from train.reproduce.jobs import SplitName
from train.reproduce.paper import PRINTED, DataName
from train.reproduce.results import Result, Results

FigureName = Literal["accuracy", "loss", "val_accuracy", "val_loss"]


@dataclass(frozen=True)
class Ours:
    """One figure of ours.

    Attributes:
        mean: Over the trainings; over the folds each counts by its images.
        spread: Standard deviation between the trainings; None where there is one.
        interval: Wilson's 95 % interval of a share; None for a loss.
        trainings: How many.
        images: How many images the interval is over: those of one training, or of all folds together.
    """

    mean: float
    spread: float | None
    interval: tuple[float, float] | None
    trainings: int
    images: int


def results_for(results: Results, data: DataName, model: str, split: SplitName = "paper") -> list[Result]:
    """The finished trainings behind one row of a table; of folds dealt several times, those of the furthest deal."""
    found = [
        result
        for result in results.results
        if (result.job.data, result.job.model, result.job.split) == (data, model, split)
    ]
    if split == "paper" or not found:
        return found
    dealt = [(result.job.seed, result.job.folds) for result in found]
    furthest = max(dict.fromkeys(dealt), key=dealt.count)
    return [result for result, deal in zip(found, dealt, strict=True) if deal == furthest]


def combine(trainings: Sequence[Result], figure: FigureName) -> Ours | None:
    """Bring trainings of the same row to one figure; None where there are none.

    Folds hold out different images, so their images add up. Seeds judge much the same images again, so the interval is
    over the images of one.
    """
    if not trainings:
        return None
    validated = figure.startswith("val_")
    images = [result.val_images if validated else result.trained_images for result in trainings]
    values = [float(getattr(result, figure)) for result in trainings]
    apart = validated and trainings[0].job.folds > 0
    weights = images if apart else [1] * len(images)
    mean = sum(value * weight for value, weight in zip(values, weights, strict=True)) / sum(weights)
    over = sum(images) if apart else round(sum(images) / len(images))
    return Ours(
        mean=mean,
        spread=_deviation(values),
        interval=wilson_interval(round(mean * over), over) if figure.endswith("accuracy") else None,
        trainings=len(trainings),
        images=over,
    )


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One figure of one row of a table, the paper's beside ours; what is not trained yet is None.

    Attributes:
        data: The set.
        model: The network.
        split: The paper's split, or by subject.
        figure: Which of the four.
        paper: As printed.
        ours: Mean of our trainings.
        spread: Their standard deviation, where there are several.
        difference: Ours less the paper's.
        interval: Wilson's 95 % interval of a share.
        trainings: How many stand behind it.
        images: How many images the interval is over.
    """

    data: DataName
    model: str
    split: SplitName
    figure: FigureName
    paper: float
    ours: float | None = None
    spread: float | None = None
    difference: float | None = None
    interval: tuple[float, float] | None = None
    trainings: int = 0
    images: int = 0


def table_rows(results: Results) -> list[Row]:
    """Every figure of Tables VIII and IX, CK+'s on both splits."""
    places: list[tuple[DataName, SplitName]] = [("fer2013", "paper"), ("ckplus", "paper"), ("ckplus", "subject")]
    return [
        _row(results, data, model, split, figure)
        for data, split in places
        for model in PRINTED[data]
        for figure in get_args(FigureName)
    ]


def _row(results: Results, data: DataName, model: str, split: SplitName, figure: FigureName) -> Row:
    printed = float(getattr(PRINTED[data][model], figure))
    found = combine(results_for(results, data, model, split), figure)
    row = Row(data=data, model=model, split=split, figure=figure, paper=printed)
    if found is None:
        return row
    return msgspec.structs.replace(
        row,
        ours=found.mean,
        spread=found.spread,
        difference=found.mean - printed,
        interval=found.interval,
        trainings=found.trainings,
        images=found.images,
    )


def _deviation(values: Sequence[float]) -> float | None:
    if len(values) < 2:
        return None
    mean = sum(values) / len(values)
    return sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))
