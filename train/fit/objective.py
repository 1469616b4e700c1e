"""What a training minimises: the targets of each image, the loss against them, and the optimizer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from edge_agent.errors import InputError
from edge_agent.model_format.labels import FER_PLUS
from train.data.dataset import FaceSet, Split
from train.data.ferplus import Votes
from train.fit.batches import one_hot
from train.fit.distillation import TeacherModels
from train.fit.recipe import Optimizer, Recipe


def make_targets(recipe: Recipe, faces: FaceSet, split: Split, votes: Votes | None) -> NDArray[np.float32]:
    """Targets of the training images, ``float32 (N, K)``.

    With a second head, columns after the classes hold the share of votes for each of FER+'s labels. A row without votes
    is all zero there and adds nothing to that head's loss.

    Raises:
        InputError: The recipe uses votes and none were given, or the other way round.
    """
    targets = one_hot(faces.labels[split.train], len(faces.classes))
    if not recipe.uses_votes:
        if votes is not None:
            raise InputError(
                f"recipe {recipe.title!r}",
                received="votes",
                expected="none, as it uses none",
                remedy="Set blend under [votes] in the recipe, or leave --votes out",
            )
        return targets
    if votes is None:
        raise InputError(
            f"recipe {recipe.title!r}",
            received="no votes",
            expected="FER+'s table, fer2013new.csv",
            remedy="Name it with --votes",
        )
    if recipe.votes.blend:
        shares = votes.shares(faces.classes)[split.train]
        blend = recipe.votes.blend * shares.sum(axis=1, keepdims=True)
        targets = (1.0 - blend) * targets + recipe.votes.blend * shares
    if recipe.votes.head:
        targets = np.concatenate([targets, votes.shares(FER_PLUS)[split.train]], axis=1)
    return targets.astype(np.float32)


def open_teachers(recipe: Recipe, faces: FaceSet, bundles: Sequence[Path]) -> TeacherModels | None:
    """Open the teacher models a recipe asks for; None where it asks for none.

    Raises:
        InputError: It uses teacher models and none were given, or the other way round, or one does not fit the data.
        ModelError: A file is no bundle.
    """
    if not recipe.distillation.weight:
        if bundles:
            raise InputError(
                f"recipe {recipe.title!r}",
                received="a teacher",
                expected="none, as it learns from labels alone",
                remedy="Set weight under [teaching] in the recipe, or leave --teacher out",
            )
        return None
    if not bundles:
        raise InputError(
            f"recipe {recipe.title!r}",
            received="no teacher",
            expected="one model bundle or several",
            remedy="Name each with --teacher",
        )
    return TeacherModels(
        bundles,
        faces.classes,
        channels=recipe.channels,
        temperature=recipe.distillation.temperature,
        flip=recipe.distillation.flip,
    )


class Objective:
    """The loss: cross-entropy against soft targets, over the classes and over a second head.

    Args:
        classes: Outputs that are the data set's classes; any after them are the second head.
        smoothing: Share of the classes' target that is spread evenly over all classes.
        head_weight: Weight of the second head's loss.
        adjustment: What is added to the classes' logits before they are compared with the targets, ``float32 (K,)``.
    """

    def __init__(
        self, classes: int, smoothing: float, head_weight: float, adjustment: NDArray[np.float32] | None = None
    ) -> None:
        self._classes, self._smoothing, self._head_weight = classes, smoothing, head_weight
        self._adjustment = np.zeros(classes, np.float32) if adjustment is None else adjustment

    def loss(self, targets: Any, logits: Any) -> Any:
        """Loss of each image."""
        classes = self._classes
        smoothed = targets[:, :classes] * (1.0 - self._smoothing) + self._smoothing / classes
        total = _soft_cross_entropy(smoothed, logits[:, :classes] + self._adjustment)
        if logits.shape[-1] > classes:
            total += self._head_weight * _soft_cross_entropy(targets[:, classes:], logits[:, classes:])
        return total

    def accuracy(self, targets: Any, logits: Any) -> Any:
        """For each image 1 if its likeliest class is the target's, else 0."""
        classes = self._classes
        return keras.metrics.categorical_accuracy(targets[:, :classes], logits[:, :classes])


def balance_adjustment(shares: Mapping[str, float], classes: Sequence[str], balance: float) -> NDArray[np.float32]:
    """What ``balance`` adds to each class's logit in the loss, ``float32 (K,)``.

    Args:
        shares: Share of each class among the training images.
        classes: In the order of the logits.
        balance: 0 adds nothing, 1 the whole logarithm.

    Raises:
        InputError: A class has no training image, so that no logarithm exists.
    """
    if balance and (empty := [name for name in classes if shares[name] <= 0.0]):
        raise InputError(
            "balance",
            received=f"no training images of {', '.join(empty)}",
            expected="some of each class",
            remedy="Add images, or set balance = 0 in the recipe",
        )
    return np.asarray([balance * math.log(shares[name]) if balance else 0.0 for name in classes], np.float32)


def _soft_cross_entropy(targets: Any, logits: Any) -> Any:
    # The backends' fused operations assume that targets sum to one; those of rows without votes do not.
    return -keras.ops.sum(targets * keras.ops.log_softmax(logits, axis=-1), axis=-1)


def make_optimizer(settings: Optimizer, epochs: int, steps: int) -> keras.optimizers.Optimizer:
    """The optimizer of a recipe for a training of ``epochs`` times ``steps`` steps."""
    rate: Any = settings.learning_rate
    if settings.schedule == "cosine":
        warmup = settings.warmup_epochs * steps
        rate = keras.optimizers.schedules.CosineDecay(
            0.0 if warmup else settings.learning_rate,
            decay_steps=max(1, epochs * steps - warmup),
            warmup_target=settings.learning_rate if warmup else None,
            warmup_steps=warmup,
        )
    decay = settings.weight_decay or None
    optimizer = (
        keras.optimizers.SGD(rate, momentum=settings.momentum, nesterov=True, weight_decay=decay)
        if settings.kind == "sgd"
        else keras.optimizers.Adam(rate, weight_decay=decay)
    )
    if decay:
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer
