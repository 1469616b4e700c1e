"""The mean of several networks' weights: one network that is nearly as good as all together (Wortsman et al. 2022).

It works for trainings with common initial weights, and for those weights themselves: all lie in one valley of the
loss. The result is a finished run like any other.
"""

from __future__ import annotations

import logging
import math
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
from edge_agent.model_format.priors import training_shares_of_bundle
from train.common.machine import describe_machine
from train.data.dataset import FaceSet, Split
from train.data.splits import make_split
from train.fit.finishing import note_on_choice, tells_of_choice
from train.fit.provenance import Provenance, describe_bundle, merge, note_on_split, provenance_of_bundle
from train.fit.run_dir import RunDir
from train.fit.run_record import RunRecord, git_revision, utc_now
from train.fit.saved import load_model
from train.fit.validation import accuracy
from train.fit.weights_from_tflite import model_from_tflite
from train.models import is_mirrored
from train.models.batch_statistics import predict_with_batch_statistics
from train.models.inference import predict_logits
from train.models.mirror import settle

_MAX_FACES = 4096
_BATCH = 256
_MAX_LOSS = 0.05
"""Largest drop in accuracy without a warning. Members without common initial weights lose more, chance alone less."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Member:
    """One of the networks to average.

    Attributes:
        name: For people.
        description: Name and fingerprint, for the record.
        record: Of its run; None for a bundle.
        common: What all members must have in common, in the order of ``_IN_COMMON``.
        annotation: Annotation its own training used beyond labels.
        teachers: Teacher models of its own training.
        provenance: Of its weights.
        note: What one must know about figures on its split.
        shares: Share of each class in its training; None where it is not known.
        model: Gives the network; a bundle's is rebuilt from its weights with the training images given.
    """

    name: str
    description: str
    record: RunRecord | None
    common: tuple[object, ...]
    annotation: tuple[str, ...]
    teachers: tuple[str, ...]
    provenance: Provenance
    note: str
    shares: dict[str, float] | None
    model: Callable[[NDArray[np.uint8]], keras.Model]


@dataclass(frozen=True)
class Averaged:
    """The outcome of averaging.

    Attributes:
        model: The mean network.
        accuracy: Its accuracy on the validation part.
        members: Name and accuracy of each network it is the mean of.
    """

    model: keras.Model
    accuracy: float
    members: tuple[tuple[str, float], ...]


_IN_COMMON = ("network", "channels", "classes", "data", "split")


def average(members: Sequence[Path], faces: FaceSet, out: RunDir) -> Averaged:
    """Leave the mean of several networks as a run in ``out``.

    Normalisation's running statistics are not averaged. Those of the mean network are estimated anew from training
    images without augmentation, as Izmailov et al. 2018 do.

    Args:
        members: Finished run directories, and model bundles they began with, of one network, data set and split; one
            named twice counts twice.
        faces: Their data set.
        out: Where to. Empty.

    Returns:
        The mean, its accuracy and that of its members. A warning is logged where it is far worse than all of them.

    Raises:
        InputError: Fewer than two members, no run among them, an unfinished one, members that differ in network,
            channels, classes, data or split, other data, or ``out`` holds something.
        ModelError: A file is no bundle, or its weights cannot be recovered.
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
        for what, mine, first in zip(_IN_COMMON, one.common, opened[0].common, strict=True):
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
    out.make_folder()  # before the minutes that the networks take
    rows = split.train
    models = [one.model(faces.images[rows]) for one in opened]
    held_out = faces.take(split.validation)
    reached = [accuracy(predict_logits(model, held_out.images), held_out.labels) for model in models]
    mean = models[0]
    mean.set_weights([np.mean(values, axis=0) for values in zip(*(one.get_weights() for one in models), strict=True)])
    chosen = np.random.default_rng(0).permutation(rows)[:_MAX_FACES]
    predict_with_batch_statistics(mean, faces.images[chosen], _BATCH)
    if is_mirrored(record.recipe.model):
        settle(mean)
    _write(out, mean, opened, record, faces, split)
    found = Averaged(
        mean,
        accuracy(predict_logits(mean, held_out.images), held_out.labels),
        tuple((one.name, share) for one, share in zip(opened, reached, strict=True)),
    )
    if found.accuracy < min(reached) - _MAX_LOSS:
        log.warning("the mean is far less accurate than each of its members: have they a beginning in common?")
    return found


def _run(path: Path) -> _Member:
    run = RunDir(path)
    record = run.record()
    run.check_finished()
    return _Member(
        name=path.resolve().name,
        description=run.describe(),
        record=record,
        common=(record.recipe.model, record.recipe.channels, record.classes, record.fingerprint, record.protocol),
        annotation=(record.extra_annotation,),
        teachers=record.teachers,
        provenance=record.provenance(),
        note=record.protocol_note,
        shares=record.training_shares(),
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
        common=(facts.architecture, facts.input.channels, facts.labels, data, protocol),
        annotation=(facts.training.extra_annotation,),
        teachers=facts.training.teachers,
        provenance=provenance_of_bundle(facts),
        note=" ".join(one.note for one in facts.data),
        shares=training_shares_of_bundle(facts),
        model=lambda images: model_from_tflite(bundle, images),
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
        kept_epoch=0,
        prior=_mean_prior(members),
        started_from=f"mean of {'; '.join(one.description for one in members)}",
        extra_annotation=", ".join(_union(name for one in members for name in one.annotation)),
        teachers=_union(teacher for one in members for teacher in one.teachers),
        extra=tuple(dict.fromkeys(one for member in members if member.record for one in member.record.extra)),
    )
    record.earlier = merge(
        one.provenance.without((record if one.record is None else one.record).own_provenance()) for one in members
    )
    chosen = _union(one.name for one in members if tells_of_choice(one.note))
    record.protocol_note = " ".join(
        filter(None, (note_on_split(faces, split, record.earlier), note_on_choice(", ".join(chosen)) if chosen else ""))
    )
    record.votes = next((one.record.votes for one in members if one.record is not None and one.record.votes), "")
    out.create(record)
    out.save_model(model.save)
    out.write_record(msgspec.structs.replace(out.record(), finished_at=utc_now()))


def _mean_prior(members: Sequence[_Member]) -> dict[str, float]:
    """The prior of the mean network: the geometric mean of its members' shares, scaled to sum to 1.

    Networks whose weights are averaged answer much like the mean of their logits, to which the logarithms of the shares
    add. So a member that is named twice counts twice here too. It is empty where the shares of one are not known.
    """
    shares = [one.shares for one in members if one.shares is not None]
    if len(shares) < len(members):
        return {}
    means = {label: math.prod(one[label] for one in shares) ** (1 / len(shares)) for label in shares[0]}
    total = sum(means.values())
    return {label: round(mean / total, 6) for label, mean in means.items()}


def _union(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if name))
