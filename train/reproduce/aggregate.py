"""Statistics over several trainings of one row of a table, seeds or folds, with deviation and interval."""

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

StatisticName = Literal["accuracy", "loss", "val_accuracy", "val_loss"]


@dataclass(frozen=True)
class Summary:
    """One statistic over several trainings.

    Attributes:
        mean: Over the trainings; folds are weighted by their number of images.
        deviation: Standard deviation between the trainings; None where there is only one.
        interval: Wilson's 95 % interval of an accuracy; None for a loss.
        trainings: Number of trainings.
        images: Number of images behind the interval: those of one training, or of all folds together.
    """

    mean: float
    deviation: float | None
    interval: tuple[float, float] | None
    trainings: int
    images: int


def results_for(results: Results, data: DataName, model: str, split: SplitName = "paper") -> list[Result]:
    """The finished trainings behind one row of a table; of several fold assignments, the one with most trainings."""
    found = [
        result
        for result in results.results
        if (result.job.data, result.job.model, result.job.split) == (data, model, split)
    ]
    if split == "paper" or not found:
        return found
    assignments = [(result.job.seed, result.job.folds) for result in found]
    chosen = max(dict.fromkeys(assignments), key=assignments.count)
    return [result for result, assignment in zip(found, assignments, strict=True) if assignment == chosen]


def summarise(trainings: Sequence[Result], statistic: StatisticName) -> Summary | None:
    """Summarise one statistic over the trainings of a row; None where there are none.

    Folds hold out different images, so their images add up. Seeds hold out much the same images again, so the interval
    is over the images of one training.
    """
    if not trainings:
        return None
    validation = statistic.startswith("val_")
    images = [result.val_images if validation else result.trained_images for result in trainings]
    values = [float(getattr(result, statistic)) for result in trainings]
    disjoint = validation and trainings[0].job.folds > 0
    weights = images if disjoint else [1] * len(images)
    mean = sum(value * weight for value, weight in zip(values, weights, strict=True)) / sum(weights)
    count = sum(images) if disjoint else round(sum(images) / len(images))
    return Summary(
        mean=mean,
        deviation=_deviation(values),
        interval=wilson_interval(round(mean * count), count) if statistic.endswith("accuracy") else None,
        trainings=len(trainings),
        images=count,
    )


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One statistic of one row of a table, the paper's and ours. What is not trained yet is None.

    Attributes:
        data: The data set.
        model: The network.
        split: The paper's split, or by subject.
        statistic: One of the four.
        paper: The value printed in the paper.
        ours: Mean of our trainings.
        deviation: Their standard deviation, where there are several.
        difference: Ours minus the paper's.
        interval: Wilson's 95 % interval of an accuracy.
        trainings: Number of trainings.
        images: Number of images behind the interval.
    """

    data: DataName
    model: str
    split: SplitName
    statistic: StatisticName = msgspec.field(name="figure")
    paper: float
    ours: float | None = None
    deviation: float | None = msgspec.field(name="spread", default=None)
    difference: float | None = None
    interval: tuple[float, float] | None = None
    trainings: int = 0
    images: int = 0


def table_rows(results: Results) -> list[Row]:
    """Every statistic of Tables VIII and IX, for CK+ on both splits."""
    parts: list[tuple[DataName, SplitName]] = [("fer2013", "paper"), ("ckplus", "paper"), ("ckplus", "subject")]
    return [
        _row(results, data, model, split, statistic)
        for data, split in parts
        for model in PRINTED[data]
        for statistic in get_args(StatisticName)
    ]


def _row(results: Results, data: DataName, model: str, split: SplitName, statistic: StatisticName) -> Row:
    printed = float(getattr(PRINTED[data][model], statistic))
    found = summarise(results_for(results, data, model, split), statistic)
    row = Row(data=data, model=model, split=split, statistic=statistic, paper=printed)
    if found is None:
        return row
    return msgspec.structs.replace(
        row,
        ours=found.mean,
        deviation=found.deviation,
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
