"""Is a new model worse than the one in use, by the accuracy that both record?"""

from __future__ import annotations

import math
from dataclasses import dataclass

from edge_agent.errors import CheckFailed
from edge_agent.model_format.metadata import DataInfo, Metadata

_PART = "validation"
PUBLISHED = ("FER2013", "RAF-DB", "AffectNet", "FER+", "ExpW", "CK+", "CK+48")
"""Data sets that are the same by their name, also where somebody has a part of them alone."""

_MIN_IMAGES = 200
"""With fewer held-out faces, nothing is said of a model by itself."""
_NORMAL_95 = 1.645
"""Of one side: a difference beyond it comes about by chance in one of twenty comparisons of equal models."""


@dataclass(frozen=True, slots=True)
class AccuracyComparison:
    """Two recorded accuracies.

    Attributes:
        text: The result in a line, for people.
        worse: Whether the new model is worse by more than chance explains; false where they cannot be compared.
    """

    text: str
    worse: bool = False


def compare_accuracy(new: Metadata, present: Metadata) -> AccuracyComparison:
    """Compare the recorded accuracy of a new model with that of the model in use.

    They can be compared where both were measured on held-out images of the same data set, with the same labels. Splits
    may differ. Chance is taken as for two separate samples, also where the images are the same: a difference that is
    called worse is so all the more.
    """
    ours, theirs = _recorded(new), _recorded(present)
    reason = (
        "it records no accuracy"
        if ours is None
        else "the other records none"
        if theirs is None
        else "their labels differ"
        if new.labels != present.labels
        else "they were measured on different data"
        if not (ours.sets & theirs.sets)
        else ""
    )
    if reason or ours is None or theirs is None:
        stated = "" if ours is None else f" {_percent(ours.accuracy)}"
        return AccuracyComparison(
            f"the accuracy{stated} of {new.name} cannot be compared with that of {present.name}: {reason}"
        )
    variance = sum(one.accuracy * (1.0 - one.accuracy) / one.images for one in (ours, theirs))
    chance = _NORMAL_95 * math.sqrt(variance)
    worse = theirs.accuracy - ours.accuracy > chance
    same = (ours.splits, ours.images) == (theirs.splits, theirs.images)
    others = "" if same else f" of {theirs.images:,} by another split of the same data"
    return AccuracyComparison(
        f"{new.name} classifies {_percent(ours.accuracy)} of {ours.images:,} held-out faces correctly, {present.name} "
        f"{_percent(theirs.accuracy)}{others} (by chance they differ by up to {100 * chance:.1f} points)",
        worse,
    )


def check_accuracy(new: Metadata, present: Metadata, *, force: bool) -> str:
    """Refuse a model that is worse than the one in use.

    Returns:
        The result in a line.

    Raises:
        CheckFailed: It is worse beyond chance, or hardly better than guessing, and ``force`` is not given.
    """
    found = compare_accuracy(new, present)
    if (guessing := _no_better_than_guessing(new)) and not force:
        raise CheckFailed(guessing, remedy="Train longer, or on more faces; if that is meant, give --force")
    if found.worse and not force:
        raise CheckFailed(
            f"{new.name} is worse than {present.name}, the model in use: {found.text}",
            remedy="If that is meant, give --force",
        )
    return found.text


@dataclass(frozen=True, slots=True)
class _Recorded:
    accuracy: float
    images: int
    sets: frozenset[str]
    splits: frozenset[tuple[str, str]]


def _no_better_than_guessing(metadata: Metadata) -> str:
    """Says where the mean recall is not above that of guesses, beyond chance; empty where it is, or with few faces."""
    recorded, recall = _recorded(metadata), metadata.metrics.get(_PART, {}).get("balanced_accuracy")
    if recorded is None or recall is None or recorded.images < _MIN_IMAGES:
        return ""
    guessed = 1.0 / len(metadata.labels)
    chance = _NORMAL_95 * math.sqrt(guessed * (1.0 - guessed) / recorded.images)
    if recall > guessed + chance:
        return ""
    return (
        f"{metadata.name} does not know the expressions: of each label it finds {_percent(recall)} on average of "
        f"{recorded.images:,} held-out faces, and guesses would find {_percent(guessed)}"
    )


def _recorded(metadata: Metadata) -> _Recorded | None:
    metrics = metadata.metrics.get(_PART, {})
    accuracy, images = metrics.get("accuracy"), metrics.get("images", 0.0)
    if accuracy is None or not 0.0 <= accuracy <= 1.0 or images < 1:
        return None
    used = [one for one in metadata.data if _measured(one)]
    return _Recorded(
        accuracy,
        int(images),
        frozenset(one.name if one.name in PUBLISHED else one.sha256 for one in used),
        frozenset((one.sha256, one.protocol) for one in used),
    )


def _measured(data: DataInfo) -> bool:
    """Whether the accuracy was measured on it: on the part that the temperature was fitted on."""
    return data.use.endswith("temperature") and bool(data.images.get(_PART))


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
