"""Priors: the shares of the labels a model was trained under, and the shares that a device assumes instead.

A network that saw seven times as many happy faces as frightened ones expects them in that proportion. Where the faces
in front of a camera come in other proportions, its calibrated probabilities can be corrected by Bayes' rule (Saerens et
al. 2002): each is multiplied by the assumed share over the trained one, and all are scaled to sum to 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal, get_args

from edge_agent.errors import ConfigError
from edge_agent.model_format.labels import FER2013
from edge_agent.model_format.metadata import Metadata

NamedPrior = Literal["balanced", "half", "training"]
NAMED_PRIORS: Final[tuple[NamedPrior, ...]] = get_args(NamedPrior)

Prior = NamedPrior | Mapping[str, float]
"""What a device assumes: the shares of the training, equal shares, half the way to these, or a share for each label."""

DEFAULT_PRIOR: Final = "half"
"""The one with the best selection score of the bundled models; docs/runs/README.md has the scores of all."""

_MAX_ROUNDING: Final = 0.005
"""By how much the sum of shares written with few digits may miss 1."""

FER2013_TRAINING_FACES: Final = {
    "angry": 3995,
    "disgust": 436,
    "fear": 4097,
    "happy": 7215,
    "sad": 4830,
    "surprise": 3171,
    "neutral": 4965,
}
"""Faces of each label in FER2013's part Training. It stands for the prior of bundles that were trained on FER2013
before bundles stated their prior."""


def sums_to_one(shares: Mapping[str, float]) -> bool:
    """Whether shares sum to 1, apart from rounding."""
    return abs(sum(shares.values()) - 1.0) <= _MAX_ROUNDING + 1e-9


def training_shares(stated: Mapping[str, float], labels: Sequence[str], data: str) -> dict[str, float] | None:
    """Share of each label among the faces a model was trained on; None where it is not known.

    Args:
        stated: The shares in the model's metadata or its run's record; empty where these are older.
        labels: The model's, in the order of its outputs.
        data: Name of the data set of its own training.
    """
    of_fer2013 = data == "FER2013" and set(labels) == set(FER2013)
    counted = stated or (FER2013_TRAINING_FACES if of_fer2013 else {})
    if set(counted) != set(labels) or min(counted.values()) <= 0.0:
        return None
    total = sum(counted.values())
    return {label: counted[label] / total for label in labels}


def training_shares_of_bundle(facts: Metadata) -> dict[str, float] | None:
    """Share of each label among the faces of a bundle's training; None where it is not known."""
    return training_shares(facts.prior, facts.labels, facts.data[0].name if facts.data else "")


def names_all_labels(prior: Prior, labels: Sequence[str]) -> bool:
    """Whether a device can assume a prior with a model: it is one with a name, or has a share for each label."""
    return isinstance(prior, str) or set(prior) == set(labels)


def prior_weights(shares: Mapping[str, float] | None, labels: Sequence[str], prior: Prior) -> tuple[float, ...] | None:
    """What the probability of each label is multiplied by, each above 0; None where nothing is to be done.

    That is for ``training``, and for every prior where the shares of the training are not known.

    Args:
        shares: Shares of the training by label, each above 0; None where they are not known.
        labels: The model's, in the order of its outputs.
        prior: What the device assumes.

    Raises:
        ConfigError: The shares to assume are not those of the model's labels.
    """
    if not isinstance(prior, str) and not names_all_labels(prior, labels):
        raise ConfigError(
            "$.classifier.prior",
            received=_difference(prior, labels),
            expected=f"one for each label of the model: {', '.join(labels)}",
            remedy="Name every label once, or use balanced, half or training",
        )
    if shares is None or prior == "training":
        return None
    strength = 0.5 if prior == "half" else 1.0
    assumed = dict.fromkeys(labels, 1.0 / len(labels)) if isinstance(prior, str) else prior
    return tuple((assumed[label] / shares[label]) ** strength for label in labels)


def _difference(prior: Mapping[str, float], labels: Sequence[str]) -> str:
    """In which labels a table of shares differs from a model, for a message."""
    unknown, missing = [one for one in prior if one not in labels], [one for one in labels if one not in prior]
    words = [f"a share for {', '.join(unknown)}"] if unknown else []
    words += [f"{'none' if unknown else 'no share'} for {', '.join(missing)}"] if missing else []
    return " and ".join(words)


def describe_prior(prior: Prior, shares: Mapping[str, float] | None) -> str:
    """The prior in use, in words for a person."""
    if prior == "training":
        return "training: the shares of the labels in training"
    if shares is None:
        return "training: the model does not state the shares of its training, so no others can be assumed"
    if prior == "balanced":
        return "balanced: all labels equally frequent"
    if prior == "half":
        return "half: half the way from the shares in training to equal ones"
    assert not isinstance(prior, str)
    return f"given: {describe_shares(prior)}"


def describe_shares(shares: Mapping[str, float]) -> str:
    """Shares by label as percentages, for a person."""
    return ", ".join(f"{label} {share:.1%}" for label, share in shares.items())
