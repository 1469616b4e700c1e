"""Cross-dataset evaluation: a model's accuracy on a data set it was not trained on, for the classes that both have."""

from __future__ import annotations

import logging

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge_agent.errors import InputError
from edge_agent.model_format.accuracy import PUBLISHED
from train.common.table import table
from train.data.dataset import FaceSet
from train.measure.predictors import Predictor, with_known_labels

log = logging.getLogger(__name__)

_RESAMPLES = 2000


class CrossDatasetResult(msgspec.Struct, frozen=True, kw_only=True):
    """Accuracy of one model on a data set it was not trained on; shares from 0 to 1.

    Attributes:
        model: Its identity, 12 hex digits.
        name: Its name in reports.
        data: Name of the data set.
        images: Number of images of the classes that model and data set share; images of other classes are left out.
        subjects: Number of persons shown in them; 0 where the data do not name persons.
        accuracy: Share of them classified correctly. The model may give any of its labels, as on the device: one that
            the data set does not have counts as wrong.
        interval: 95 % interval of it by bootstrap over persons, because the images of one person are similar; over
            images where the data do not name persons.
        among_shared: Accuracy if the model could give shared labels only.
        recall: Of each shared class.
        support: Number of images of each shared class.
    """

    model: str
    name: str
    data: str
    images: int
    subjects: int
    accuracy: float
    interval: tuple[float, float]
    among_shared: float
    recall: dict[str, float]
    support: dict[str, int]


def evaluate_cross_dataset(predictor: Predictor, faces: FaceSet, seed: int = 0) -> CrossDatasetResult:
    """Evaluate a model on a data set it was not trained on.

    Args:
        predictor: The model.
        faces: The data set.
        seed: Of the bootstrap.

    Raises:
        InputError: The model was trained on that data set, or they share no class.
    """
    check_unseen(predictor, faces)
    kept, truth = with_known_labels(predictor, faces)
    logits = predictor.logits(kept.images)
    right = logits.argmax(axis=1) == truth
    columns = np.array([column for column, label in enumerate(predictor.labels) if label in faces.classes])
    has_subjects = bool((kept.subject != "").all())
    of_class = {predictor.labels[column]: right[truth == column] for column in np.unique(truth)}
    return CrossDatasetResult(
        model=predictor.identity,
        name=predictor.name,
        data=faces.name,
        images=len(kept),
        subjects=len(np.unique(kept.subject)) if has_subjects else 0,
        accuracy=float(right.mean()),
        interval=_interval(right, kept.subject if has_subjects else np.arange(len(kept)), seed),
        among_shared=float(np.mean(columns[logits[:, columns].argmax(axis=1)] == truth)),
        recall={label: float(found.mean()) for label, found in of_class.items()},
        support={label: len(found) for label, found in of_class.items()},
    )


def check_unseen(predictor: Predictor, faces: FaceSet) -> None:
    """Refuse a model that was trained on a data set, now or in an earlier training.

    Raises:
        InputError: It was.
    """
    names = set(predictor.provenance.data.values())
    if faces.fingerprint() in predictor.provenance.data or (faces.name in PUBLISHED and faces.name in names):
        raise InputError(
            predictor.name,
            received=f"a model trained on {faces.name}",
            expected="one that was not",
            remedy="For the held-out part of its own data use `python -m train evaluate`",
        )
    if faces.name in names:
        log.warning(
            "%s was trained on other data of the name %s: make sure that no image is in both",
            predictor.name,
            faces.name,
        )


def to_markdown(measured: list[CrossDatasetResult]) -> str:
    """A table with a column for each model. The images differ where models share different classes with the data."""
    first, images = measured[0], [f"{one.images:,}" for one in measured]
    support = {label: count for one in measured for label, count in one.support.items()}
    rows = [
        ["accuracy", *(f"{one.accuracy:.1%} ({one.interval[0]:.1%} to {one.interval[1]:.1%})" for one in measured)],
        ["accuracy among shared labels", *(f"{one.among_shared:.1%}" for one in measured)],
        *(
            [
                f"recall, {label} ({count})",
                *(f"{one.recall[label]:.1%}" if label in one.recall else "not among its labels" for one in measured),
            ]
            for label, count in support.items()
        ),
    ]
    if len(set(images)) > 1:
        rows.insert(0, ["images", *images])
        return table([first.data, *(one.name for one in measured)], rows)
    return table([f"{first.data}, {first.images:,} images", *(one.name for one in measured)], rows)


def _interval(right: NDArray[np.bool_], groups: NDArray[np.generic], seed: int) -> tuple[float, float]:
    """The middle 95 % of the accuracies when whole groups are drawn many times, with replacement."""
    _, owner = np.unique(groups, return_inverse=True)
    sizes = np.bincount(owner)
    hits = np.bincount(owner, weights=right)
    drawn = np.random.default_rng(seed).integers(0, len(sizes), (_RESAMPLES, len(sizes)))
    low, high = np.percentile(hits[drawn].sum(axis=1) / sizes[drawn].sum(axis=1), (2.5, 97.5))
    return float(low), float(high)
