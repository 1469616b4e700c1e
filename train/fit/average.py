"""The mean of several networks' weights: one network that is nearly as good as all together (Wortsman et al. 2022).

It works for trainings that began from common weights, and for those weights themselves: all lie in one valley of the
loss. What comes out is a finished run like any other.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import msgspec
import numpy as np
from numpy.typing import NDArray

from edge_agent.errors import InputError
from edge_agent.model_format.bundle import read_bundle
from edge_agent.model_format.metadata import TRAINING
from train.common.machine import describe_machine
from train.data.dataset import FaceSet, Split
from train.data.splits import make_split, note_on
from train.fit.batch_statistics import answers_by_batches
from train.fit.run_dir import Learnt, RunDir, RunRecord, git_revision, utc_now
from train.fit.saved import load_model
from train.fit.trainer import accuracy, predict_logits
from train.fit.weights_from_tflite import recover
from train.measure.predictors import describe_bundle, learnt_by

_MOST_FACES = 4096
_BATCH = 256
_WORSE = 0.05
"""Share of faces: what is lost from one valley of the loss into the hill between two is more, chance is less."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Member:
    """One of the networks to average.

    Attributes:
        name: For people.
        description: Name and fingerprint, for the record.
        record: Of its run; None for a bundle.
        alike: What all members must have in common, as ``_ALIKE`` names it.
        annotation: What its training had beyond labels.
        teachers: Whose answers its training had.
        learnt: All that its weights learnt from.
        model: Gives the network; a bundle's is read back with the training images given.
    """

    name: str
    description: str
    record: RunRecord | None
    alike: tuple[object, ...]
    annotation: tuple[str, ...]
    teachers: tuple[str, ...]
    learnt: Learnt
    model: Callable[[NDArray[np.uint8]], keras.Model]


@dataclass(frozen=True)
class Averaged:
    """What came of it.

    Attributes:
        model: The mean network.
        accuracy: Its share of the validation part read rightly.
        members: Name of each network it is the mean of, and the same of that.
    """

    model: keras.Model
    accuracy: float
    members: tuple[tuple[str, float], ...]


_ALIKE = ("network", "channels", "classes", "data", "split")


def average(members: Sequence[Path], faces: FaceSet, out: RunDir) -> Averaged:
    """Leave the mean of several networks as a run in ``out``.

    Normalisation's running statistics are not averaged: those of the mean network are taken anew, from training images
    without variations (as Izmailov et al. 2018 do).

    Args:
        members: Finished run directories, and model bundles they began with, of one network, data set and split; one
            named twice counts twice.
        faces: Their data set.
        out: Where to. Empty.

    Returns:
        The mean and what it and its members reach. A warning tells where it is far from all of them.

    Raises:
        InputError: Fewer than two members, no run among them, an unfinished one, members that differ in what must be
            alike, other data, or ``out`` holds something.
        ModelError: A file is no bundle, or its weights cannot be read back.
    """
    if len(members) < 2:
        raise InputError("networks to average", received=str(len(members)), expected="two or more")
    opened = [_bundle(path) if path.is_file() else _run(path) for path in members]
    record = next((one.record for one in opened if one.record is not None), None)
    if record is None:
        raise InputError(
            "networks to average",
            received="bundles alone",
            expected="a run directory among them",
            remedy="Average a bundle with a training that began with it",
        )
    for path, one in zip(members, opened, strict=True):
        for what, mine, first in zip(_ALIKE, one.alike, opened[0].alike, strict=True):
            if mine != first:
                raise InputError(
                    f"{path}: {what}",
                    received=str(mine),
                    expected=f"{first}, as {members[0]}",
                    remedy="Average trainings of one network on one split of one data set",
                )
    if faces.fingerprint() != record.fingerprint:
        raise InputError(
            f"{faces.name}",
            received=f"data with sha256 {faces.fingerprint()[:12]}",
            expected=f"{record.fingerprint[:12]}, which the runs were trained on",
        )
    split = make_split(faces, record.protocol)
    rows = split.train
    models = [one.model(faces.images[rows]) for one in opened]
    held_out = faces.take(split.validation)
    reached = [accuracy(predict_logits(model, held_out.images), held_out.labels) for model in models]
    mean = models[0]
    mean.set_weights([np.mean(values, axis=0) for values in zip(*(one.get_weights() for one in models), strict=True)])
    chosen = np.random.default_rng(0).permutation(rows)[:_MOST_FACES]
    answers_by_batches(mean, faces.images[chosen], _BATCH)
    _write(out, mean, opened, record, faces, split)
    found = Averaged(
        mean,
        accuracy(predict_logits(mean, held_out.images), held_out.labels),
        tuple((one.name, share) for one, share in zip(opened, reached, strict=True)),
    )
    if found.accuracy < min(reached) - _WORSE:
        log.warning("the mean reads far less than each of its members: have they a beginning in common?")
    return found


def _run(path: Path) -> _Member:
    run = RunDir(path)
    record = run.record()
    return _Member(
        name=path.resolve().name,
        description=run.describe(),
        record=record,
        alike=(record.recipe.model, record.recipe.channels, record.classes, record.fingerprint, record.protocol),
        annotation=(record.extra_annotation,),
        teachers=record.teachers,
        learnt=record.learnt(),
        model=lambda _: load_model(run),
    )


def _bundle(path: Path) -> _Member:
    bundle = read_bundle(path)
    facts = bundle.metadata
    data, protocol = next(((one.sha256, one.protocol) for one in facts.data if one.use == TRAINING), ("", ""))
    return _Member(
        name=path.name,
        description=describe_bundle(path, bundle.model_id),
        record=None,
        alike=(facts.architecture, facts.input.channels, facts.labels, data, protocol),
        annotation=(facts.training.extra_annotation,),
        teachers=facts.training.teachers,
        learnt=learnt_by(facts),
        model=lambda images: recover(bundle, images),
    )


def _write(
    out: RunDir,
    model: keras.Model,
    members: Sequence[_Member],
    first: RunRecord,
    faces: FaceSet,
    split: Split,
) -> None:
    names = [one.name for one in members]
    recipe = msgspec.structs.replace(
        first.recipe,
        title=f"Mean of {', '.join(names)}",
        source="Wortsman et al. 2022",
        command=f"python -m train average {' '.join(names)}",
        cost="",
        expected="",
    )
    record = msgspec.structs.replace(
        first,
        recipe=recipe,
        git_revision=git_revision(),
        machine=describe_machine([]),
        started_at=utc_now(),
        finished_at="",
        started_from=f"mean of {'; '.join(one.description for one in members)}",
        extra_annotation=", ".join(_union(said for one in members for said in one.annotation)),
        teachers=_union(teacher for one in members for teacher in one.teachers),
        earlier=Learnt(),
    )
    for one in members:
        own = record if one.record is None else one.record
        record.earlier = record.earlier.and_also(one.learnt.beyond(own.own()))
    record.protocol_note = note_on(faces, split, record.earlier.splits)
    record.votes = next((one.record.votes for one in members if one.record is not None and one.record.votes), "")
    out.create(record)
    out.save_model(model.save)
    out.write_record(msgspec.structs.replace(out.record(), finished_at=utc_now()))


def _union(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if name))
