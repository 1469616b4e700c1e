"""Faces of further data sets: which of them a training may use, and what their labels mean in the first set's classes.

They are training faces alone. Nothing is validated on them, and FER+'s votes are not for them.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_agent.errors import InputError
from train.data.dataset import FaceSet, Split
from train.data.splits import training_only
from train.fit.recipe import Recipe
from train.fit.run_record import ExtraData

log = logging.getLogger(__name__)

NO_LABEL = -1
"""Stands for a label that is none of the first data set's classes."""


@dataclass(frozen=True)
class ExtraFaces:
    """The faces of one further data set that a training uses.

    Attributes:
        record: What records of the run state about them.
        images: ``uint8 (N, 48, 48, C)``.
        labels: ``int64 (N,)``, indices into the first data set's classes; ``NO_LABEL`` where it has no such class.
    """

    record: ExtraData
    images: NDArray[np.uint8]
    labels: NDArray[np.int64]


def choose_extra_faces(
    recipe: Recipe, faces: FaceSet, split: Split, given: Sequence[FaceSet]
) -> tuple[ExtraFaces, ...]:
    """Choose the faces of further data sets to train on.

    Left out, with a line in the log, are faces that equal a held-out face of the first data set, and faces of classes
    that it lacks where labels count.

    Args:
        recipe: It says how they are used.
        faces: The first data set, to which the split belongs.
        split: That of the first data set.
        given: The further data sets.

    Raises:
        InputError: The recipe uses further data sets and none were given, or the other way round; two are the same
            data, one has other channels, or no face of one can be used.
    """
    if recipe.extra is None:
        if given:
            raise InputError(
                f"recipe {recipe.title!r}",
                received="a second data set",
                expected="one, as it says nothing of further ones",
                remedy="Set label_weight under [extra] in the recipe, or give --data once",
            )
        return ()
    if not given:
        raise InputError(
            f"recipe {recipe.title!r}",
            received="one data set",
            expected="further ones, as it has a table [extra]",
            remedy="Give --data once for each; the first is the one to validate on",
        )
    held_out = {faces.images[row].tobytes() for row in np.concatenate([split.validation, split.test])}
    known = {faces.fingerprint()}
    chosen = []
    for one in given:
        if one.fingerprint() in known:
            raise InputError(
                f"{one.name}", received="the same data twice", expected="different data sets", remedy="Give it once"
            )
        known.add(one.fingerprint())
        if one.channels != faces.channels:
            raise InputError(
                f"{one.name}",
                received=f"images of {one.channels} channels",
                expected=f"{faces.channels}, as {faces.name} has",
            )
        chosen.append(_choose(one, faces, held_out, recipe.extra.label_weight))
    return tuple(chosen)


def _choose(one: FaceSet, faces: FaceSet, held_out: set[bytes], label_weight: float) -> ExtraFaces:
    split = training_only(one)
    index = {name: place for place, name in enumerate(faces.classes)}
    labels = np.array([index.get(name, NO_LABEL) for name in one.classes], np.int64)[one.labels]
    labelled = labels != NO_LABEL
    seen = np.zeros(len(one), np.bool_)
    seen[split.train] = [one.images[row].tobytes() in held_out for row in split.train]
    usable = ~seen & (labelled if label_weight else True)
    rows = split.train[usable[split.train]]
    if dropped := int(seen.sum()):
        log.warning("%s: %d faces are left out: they are held-out faces of %s", one.name, dropped, faces.name)
    nameless = split.train[~labelled[split.train]]
    if label_weight and nameless.size:
        unknown = sorted({one.classes[label] for label in one.labels[nameless]})
        log.warning(
            "%s: %d faces are left out: %s has no class %s", one.name, len(nameless), faces.name, ", ".join(unknown)
        )
    if len(rows) == 0:
        raise InputError(
            f"{one.name}: classes",
            received=", ".join(one.classes),
            expected=f"faces of {', '.join(faces.classes)} that are not held out of {faces.name}",
            remedy="Rename its class folders, or set label_weight = 0 to use its faces without labels",
        )
    record = ExtraData(name=one.name, fingerprint=one.fingerprint(), protocol=split.protocol, images=len(rows))
    return ExtraFaces(record, one.images[rows], labels[rows])
