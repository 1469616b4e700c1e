"""The selection score: the one number by which models are chosen, over three data sets that differ.

It is the mean over PublicTest, RAF-DB and CK+ of the mean of accuracy and mean recall. PublicTest is of the models' own
kind of data. On the other two nothing may be trained: they show how a model does on strangers' faces.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge_agent.decoding import UNDECODABLE, decode_json
from edge_agent.errors import ConfigError, InputError
from edge_agent.model_format.accuracy import PUBLISHED
from edge_agent.model_format.priors import DEFAULT_PRIOR, NAMED_PRIORS, Prior, prior_weights, sums_to_one
from train.common.table import table
from train.common.writing import write_whole
from train.data import load
from train.data.dataset import FaceSet
from train.data.label_map import RAFDB_MAP
from train.fit.provenance import splits_that_trained_on
from train.measure.calibration import calibration_error
from train.measure.cross_dataset import check_unseen
from train.measure.predictors import Predictor, with_known_labels

RESAMPLES = 2000
"""Bootstrap samples behind an interval."""

_PUBLIC_TEST = "PublicTest"
_CHUNK = 200
_NAMED: Final[dict[str, Prior]] = {name: name for name in NAMED_PRIORS}


class SetScore(msgspec.Struct, frozen=True, kw_only=True):
    """Scores on one data set; shares from 0 to 1. Intervals are 95 % ones by bootstrap.

    Attributes:
        data: Name of the data set, or of the part of it.
        images: Number of images of classes that the model has.
        persons: Number of persons over whom the bootstrap is; 0 where it is over images.
        accuracy: Share of images classified correctly. An answer that the data set lacks counts as wrong.
        accuracy_interval: Its interval.
        mean_recall: Mean recall of the classes that occur.
        mean_recall_interval: Its interval.
        calibration_error: Expected calibration error over 15 bins, with the temperature and prior of the device.
        recall: Of each class.
        precision: Share of the answers with each label that is correct; None where it was never given.
    """

    data: str
    images: int
    persons: int
    accuracy: float
    accuracy_interval: tuple[float, float]
    mean_recall: float
    mean_recall_interval: tuple[float, float]
    calibration_error: float
    recall: dict[str, float]
    precision: dict[str, float | None]

    @property
    def mean(self) -> float:
        """Mean of accuracy and mean recall."""
        return (self.accuracy + self.mean_recall) / 2


class SelectionScore(msgspec.Struct, frozen=True, kw_only=True):
    """The selection score of a model under one prior.

    Attributes:
        model: The first 12 hex digits of its file's sha256.
        name: Its name in reports.
        prior: The prior assumed: ``balanced``, ``half``, ``training``, or shares by label.
        score: Mean over the sets of the mean of accuracy and mean recall, 0 to 1.
        interval: Its 95 % interval by bootstrap.
        sets: The scores behind it.
    """

    model: str
    name: str
    prior: str | dict[str, float]
    score: float
    interval: tuple[float, float]
    sets: tuple[SetScore, ...]


@dataclass(frozen=True)
class SelectionData:
    """The faces behind the score.

    Attributes:
        fer2013: FER2013 whole; its part PublicTest is scored.
        others: Data sets on which nothing may be trained, by their names in reports.
    """

    fer2013: FaceSet
    others: dict[str, FaceSet]


def load_selection_data(fer2013: Path, rafdb: Path, ckplus: Path, channels: int) -> SelectionData:
    """Read the three data sets.

    Raises:
        InputError: One cannot be read, the first has no part PublicTest, or one of the others is known to be another.
    """
    own = load(fer2013, channels=channels)
    if _PUBLIC_TEST not in own.usage:
        raise InputError(
            f"{fer2013}",
            received=f"no part {_PUBLIC_TEST}",
            expected="FER2013's table",
            remedy="Name fer2013.csv with --fer2013",
        )
    others = {"RAF-DB": load(rafdb, channels=channels, label_map=RAFDB_MAP), "CK+48": load(ckplus, channels=channels)}
    for path, option, (name, faces) in zip((rafdb, ckplus), ("--rafdb", "--ckplus"), others.items(), strict=True):
        # RAF-DB's class folders do not say what they are; CK+48's pictures do, by their names.
        known = faces.name in PUBLISHED
        if faces.name != name and (known or name == "CK+48"):
            raise InputError(
                f"{path}",
                received=faces.name if known else f"no pictures of {name}",
                expected=name,
                remedy=f"Name the folder of {name} with {option}",
            )
    return SelectionData(own, others)


def score_selection(
    predictor: Predictor, data: SelectionData, prior: Prior = DEFAULT_PRIOR, seed: int = 0
) -> SelectionScore:
    """Compute a model's selection score.

    Args:
        predictor: The model.
        data: The faces.
        prior: What is assumed of the shares of the labels.
        seed: Of the bootstrap.

    Raises:
        InputError: The model was trained on faces to score on, or has no class in common with a set.
        ConfigError: The prior has shares of other labels than the model's.
    """
    rows = np.flatnonzero(data.fer2013.usage == _PUBLIC_TEST)
    _check_public_test(predictor, data.fer2013, rows)
    for faces in data.others.values():
        check_unseen(predictor, faces)
    scored, drawn = [], []
    for name, faces in {_PUBLIC_TEST: data.fer2013.take(rows), **data.others}.items():
        score, resampled = _score_set(predictor, name, faces, prior, seed)
        scored.append(score)
        drawn.append(resampled)
    return SelectionScore(
        model=predictor.identity,
        name=predictor.name,
        prior=prior if isinstance(prior, str) else dict(prior),
        score=float(np.mean([one.mean for one in scored])),
        interval=_middle(np.mean(drawn, axis=0)),
        sets=tuple(scored),
    )


def record_score(run: Path, found: SelectionScore) -> None:
    """Write a score into a run's folder, ``evaluation/selection.json``."""
    write_whole(_file(run), json.dumps(msgspec.to_builtins(found), indent=2).encode() + b"\n")


def recorded_score(run: Path) -> SelectionScore | None:
    """The score in a run's folder; None where there is none.

    Raises:
        InputError: The file is broken.
    """
    try:
        return decode_json(_file(run).read_bytes(), SelectionScore)
    except FileNotFoundError:
        return None
    except UNDECODABLE as error:
        raise InputError(f"{_file(run)}: {error}", remedy="Score the run again with `python -m train score`") from None


def to_markdown(found: list[SelectionScore]) -> str:
    """A table with a row for each model and prior. Cells have their numbers of faces where these differ."""
    alike = len({tuple(score.images for score in one.sets) for one in found}) == 1
    rows = []
    for one in found:
        cells = [
            f"{_points(score.accuracy, score.accuracy_interval)} / "
            f"{_points(score.mean_recall, score.mean_recall_interval)}" + ("" if alike else f", {score.images:,} faces")
            for score in one.sets
        ]
        rows.append([one.name, prior_name(one.prior), f"**{_points(one.score, one.interval)}**", *cells])
    first = found[0].sets
    header = [
        "model",
        "prior",
        "selection score",
        *(f"{score.data}, {score.images:,}" if alike else score.data for score in first),
    ]
    errors = [
        [one.name, prior_name(one.prior), *(f"{score.calibration_error:.1%}" for score in one.sets)] for one in found
    ]
    return "\n\n".join(
        [
            table(header, rows),
            "Each cell has accuracy / mean recall in %, with 95 % intervals by bootstrap: over persons where the data "
            "name them, else over images.",
            table(["calibration error", "prior", *(score.data for score in first)], errors),
        ]
    )


def note_on_labels(predictor: Predictor, data: SelectionData) -> str:
    """What to know of the score of a model that lacks labels of FER2013; empty for one that has all."""
    missing = [label for label in data.fer2013.classes if label not in predictor.labels]
    if not missing:
        return ""
    return (
        f"{predictor.name} lacks {', '.join(missing)}: faces with these labels are left out. So its score cannot be "
        "compared with that of a model that has them"
    )


def parse_prior(text: str) -> Prior:
    """A prior from the command line: a name, or ``happy=0.5,neutral=0.5``.

    Raises:
        InputError: It is neither, a label stands twice, or the shares do not sum to 1.
    """
    if text in _NAMED:
        return _NAMED[text]
    shares: dict[str, float] = {}
    for part in text.split(","):
        label, _, share = (piece.strip() for piece in part.partition("="))
        try:
            number = float(share)
        except ValueError:
            raise _no_prior(f"{share!r} for {label}" if share else repr(label)) from None
        if not (label and 0.0 < number <= 1.0):
            raise _no_prior(f"{share} for {label or 'no label'}")
        if label in shares:
            raise _no_prior(f"{label} twice")
        shares[label] = number
    if not sums_to_one(shares):
        raise _no_prior(f"shares that sum to {sum(shares.values()):g}")
    return shares


def _no_prior(received: str) -> InputError:
    expected = "balanced, half, training, or LABEL=SHARE,... with shares above 0 that sum to 1"
    return InputError("prior", received=received, expected=expected)


def check_prior(predictor: Predictor, prior: Prior) -> None:
    """Refuse a prior that has shares of other labels than a model.

    Raises:
        InputError: It has.
    """
    try:
        prior_weights(predictor.prior, predictor.labels, prior)
    except ConfigError as error:
        raise InputError(
            f"prior for {predictor.name}", received=error.received, expected=error.expected, remedy=error.remedy
        ) from None


def prior_name(prior: str | Mapping[str, float]) -> str:
    """The prior's name in a table."""
    return prior if isinstance(prior, str) else ", ".join(f"{label} {share:g}" for label, share in prior.items())


def _file(run: Path) -> Path:
    return run / "evaluation" / "selection.json"


def _points(share: float, interval: tuple[float, float]) -> str:
    return f"{100 * share:.1f} ({100 * interval[0]:.1f} to {100 * interval[1]:.1f})"


def _check_public_test(predictor: Predictor, faces: FaceSet, rows: NDArray[np.int64]) -> None:
    if seen := splits_that_trained_on(predictor.provenance, faces, rows):
        raise InputError(
            predictor.name,
            received=f"a model trained on faces of {_PUBLIC_TEST}, by {', '.join(seen)}",
            expected="one that was not",
            remedy="Train by the protocol fer2013-official",
        )


def _score_set(
    predictor: Predictor, name: str, faces: FaceSet, prior: Prior, seed: int
) -> tuple[SetScore, NDArray[np.float64]]:
    """The scores, and the mean of accuracy and mean recall in each bootstrap sample."""
    kept, truth = with_known_labels(predictor, faces, name)
    probabilities = predictor.predict(kept.images, prior)
    answers = probabilities.argmax(axis=1)
    right = answers == truth
    by_person = bool((kept.subject != "").all())
    groups = np.unique(kept.subject if by_person else np.arange(len(kept)), return_inverse=True)[1]
    accuracy, mean_recall = _resampled(truth, right, groups, len(predictor.labels), seed)
    recall = {predictor.labels[column]: float(right[truth == column].mean()) for column in np.unique(truth)}
    given = {label: right[answers == column] for column, label in enumerate(predictor.labels)}
    score = SetScore(
        data=name,
        images=len(kept),
        persons=int(groups.max()) + 1 if by_person else 0,
        accuracy=float(right.mean()),
        accuracy_interval=_middle(accuracy),
        mean_recall=float(np.mean(list(recall.values()))),
        mean_recall_interval=_middle(mean_recall),
        calibration_error=calibration_error(probabilities, truth),
        recall=recall,
        precision={label: float(hits.mean()) if len(hits) else None for label, hits in given.items()},
    )
    return score, (accuracy + mean_recall) / 2


def _resampled(
    truth: NDArray[np.int64], right: NDArray[np.bool_], groups: NDArray[np.int64], classes: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Accuracy and mean recall in each bootstrap sample of whole groups, ``float64 (RESAMPLES,)`` each."""
    count = int(groups.max()) + 1
    faces, hits = np.zeros((count, classes)), np.zeros((count, classes))
    np.add.at(faces, (groups, truth), 1.0)
    np.add.at(hits, (groups, truth), right.astype(np.float64))
    random = np.random.default_rng(seed)
    accuracies, recalls = [], []
    for _ in range(0, RESAMPLES, _CHUNK):  # all samples of many groups at once would take much memory
        drawn = random.multinomial(count, np.full(count, 1.0 / count), size=_CHUNK).astype(np.float64)
        shown, found = drawn @ faces, drawn @ hits
        accuracies.append(found.sum(axis=1) / shown.sum(axis=1))
        with np.errstate(invalid="ignore"):
            recalls.append(np.nanmean(found / shown, axis=1))  # a rare class may be missing from a sample
    return np.concatenate(accuracies), np.concatenate(recalls)


def _middle(values: NDArray[np.float64]) -> tuple[float, float]:
    low, high = np.percentile(values, (2.5, 97.5))
    return float(low), float(high)
