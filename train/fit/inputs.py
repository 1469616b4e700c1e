"""What a training is given, checked before any of it is used."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_agent.errors import InputError
from edge_agent.model_format.labels import LABELS_WANTED, are_usable
from train.data.dataset import FaceSet, Split
from train.data.ferplus import Votes
from train.data.splits import limit_training
from train.fit.batches import one_hot
from train.fit.distillation import TeacherModels
from train.fit.extra_faces import NO_LABEL, ExtraFaces, choose_extra_faces
from train.fit.initial_weights import InitialWeights
from train.fit.objective import make_targets, open_teachers
from train.fit.provenance import Provenance, merge
from train.fit.recipe import Recipe
from train.models import is_mirrored

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingInputs:
    """All that a training's result depends on.

    Attributes:
        recipe: All settings.
        faces: The data set.
        split: Which rows to train on and which to validate on.
        votes: FER+'s votes on ``faces``, where the recipe uses them.
        teachers: Bundles of teacher models, where the recipe uses them.
        initial_weights: Weights to begin with, and the network where the recipe names none; None for random ones.
        extra: Further data sets, where the recipe uses them.
    """

    recipe: Recipe
    faces: FaceSet
    split: Split
    votes: Votes | None = None
    teachers: Sequence[Path] = ()
    initial_weights: InitialWeights | None = None
    extra: Sequence[FaceSet] = ()


@dataclass(frozen=True)
class PreparedInputs:
    """Inputs that fit together, with what is derived from them once.

    Attributes:
        given: The inputs. Their recipe names its network.
        targets: What the network shall answer for each training image, ``float32 (N, K)``.
        training_images: ``uint8 (N, 48, 48, C)``: those of the split's training part, then those of further data sets.
        teachers: The teacher models, opened; None where the recipe uses none.
        teacher_shares: Share of each image's targets that the teachers' answers make up, ``float32 (N,)``.
        class_shares: Share of each class among the training images, as labels and votes have it.
        extra: The faces of further data sets that are used.
    """

    given: TrainingInputs
    targets: NDArray[np.float32]
    training_images: NDArray[np.uint8]
    teachers: TeacherModels | None
    teacher_shares: NDArray[np.float32]
    class_shares: dict[str, float]
    extra: tuple[ExtraFaces, ...] = ()

    @property
    def prior(self) -> dict[str, float]:
        """Shares of the classes that the network's answers assume: those of the images, less what ``balance`` takes."""
        left = 1.0 - self.given.recipe.balance
        if left == 1.0:
            return self.class_shares
        powers = {name: share**left for name, share in self.class_shares.items()}
        total = sum(powers.values())
        return {name: round(power / total, 6) for name, power in powers.items()}

    @property
    def teacher_names(self) -> tuple[str, ...]:
        """Name and fingerprint of each teacher model."""
        return () if self.teachers is None else self.teachers.descriptions

    @property
    def initial_weights_name(self) -> str:
        """Name and fingerprint of what the initial weights come from; empty for random ones."""
        return "" if self.given.initial_weights is None else self.given.initial_weights.description

    def inherited_provenance(self) -> Provenance:
        """Provenance of the initial weights and of the teacher models."""
        sources = (self.given.initial_weights, self.teachers)
        return merge(source.provenance for source in sources if source is not None)

    def digest_input(self) -> bytes:
        """Bytes that are equal exactly where the inputs are, to compare those of several hosts."""
        given = self.given
        rows = b"".join(part.astype(np.int64).tobytes() for part in (given.split.train, given.split.validation))
        words = (
            f"{given.recipe.settings()}{given.faces.fingerprint()}{given.split.protocol}"
            f"{self.teacher_names}{self.initial_weights_name}{[one.record for one in self.extra]}"
        )
        return words.encode() + rows + self.targets.tobytes()


def prepare_inputs(inputs: TrainingInputs) -> PreparedInputs:
    """Check that the inputs fit together, and open what they name.

    Raises:
        InputError: There is nothing to train or validate on, the labels cannot be a model's, the images have other
            channels than the recipe, neither recipe nor initial weights name a network, or the recipe uses votes,
            teacher models or further data sets and none were given, or the other way round.
        ModelError: A teacher model is no bundle.
    """
    faces, split = inputs.faces, inputs.split
    if len(split.train) == 0 or len(split.validation) == 0:
        raise InputError(
            f"split {split.protocol}",
            received=f"{len(split.train)} training and {len(split.validation)} validation images",
            expected="at least one of each",
        )
    if not are_usable(faces.classes):
        raise InputError(
            f"{faces.name}: labels",
            received=", ".join(faces.classes),
            expected=LABELS_WANTED,
            remedy="Rename or add classes",
        )
    initial, recipe = inputs.initial_weights, inputs.recipe
    recipe = recipe if initial is None else initial.complete(recipe)
    if not recipe.model:
        raise InputError(
            f"recipe {recipe.title!r}",
            received="no model",
            expected="weights to begin with",
            remedy="Name a run or a bundle with --from",
        )
    if recipe.channels != faces.channels:
        raise InputError(
            f"{faces.name}",
            received=f"images of {faces.channels} channels",
            expected=f"{recipe.channels}, as the recipe says",
        )
    _warn_of_mirrored_sides(recipe, faces.classes)
    split = limit_training(split, faces.labels, recipe.limit, recipe.seed)
    extra = choose_extra_faces(recipe, faces, split, inputs.extra)
    trained = np.concatenate([faces.labels[split.train], *(one.labels for one in extra)])
    if missing := [name for label, name in enumerate(faces.classes) if label not in trained]:
        log.warning("%s: no training image of %s: the network will never learn it", faces.name, ", ".join(missing))
    first = make_targets(recipe, faces, split, inputs.votes)
    targets = np.concatenate([first, *(_targets_of_extra(one, len(faces.classes), first.shape[1]) for one in extra)])
    return PreparedInputs(
        given=replace(inputs, recipe=recipe, split=split),
        targets=targets,
        training_images=np.concatenate([faces.images[split.train], *(one.images for one in extra)]),
        teachers=open_teachers(recipe, faces, inputs.teachers),
        teacher_shares=_teacher_shares(recipe, len(first), len(targets)),
        class_shares=_class_shares(targets, faces.classes),
        extra=extra,
    )


def _targets_of_extra(extra: ExtraFaces, classes: int, columns: int) -> NDArray[np.float32]:
    """One-hot labels; all zero where a face has no label and, for lack of votes, in the columns of a second head."""
    targets = np.zeros((len(extra.labels), columns), np.float32)
    labelled = np.flatnonzero(extra.labels != NO_LABEL)
    targets[labelled, :classes] = one_hot(extra.labels[labelled], classes)
    return targets


def _teacher_shares(recipe: Recipe, first: int, total: int) -> NDArray[np.float32]:
    """The teachers' shares of the targets: those of the first data set's images, then those of further ones."""
    weight = recipe.distillation.weight
    shares = np.full(total, weight, np.float32)
    if recipe.extra is not None:
        shares[first:] = 1.0 - recipe.extra.label_weight * (1.0 - weight)
    return shares


def _class_shares(targets: NDArray[np.float32], classes: tuple[str, ...]) -> dict[str, float]:
    """Share of each class among the images with a label, which the sum of each row's targets counts."""
    counted = targets[:, : len(classes)].sum(axis=0, dtype=np.float64)
    return {name: round(float(share), 6) for name, share in zip(classes, counted / counted.sum(), strict=True)}


def _warn_of_mirrored_sides(recipe: Recipe, classes: tuple[str, ...]) -> None:
    sided = [name for name in classes if {"left", "right"} & set(re.split(r"[^a-z]+", name))]
    if recipe.augmentation.flip and sided:
        log.warning(
            "pictures are mirrored and keep their labels, of which %s name a side: set flip = false under "
            "[augmentation] in the recipe",
            ", ".join(sided),
        )
    if sided and is_mirrored(recipe.model):
        log.warning(
            "%s gives a face and its mirror image the same answer, so it cannot learn which side %s name: start from "
            'the small model, or from nothing by a recipe with model = "edge"',
            recipe.model,
            ", ".join(sided),
        )
