"""The mean of several trainings' weights: one network that is nearly as good as all together (Wortsman et al. 2022).

It works for trainings that began from common weights: those stay in one valley of the loss. What comes out is a
finished run like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import keras
import msgspec
import numpy as np

from edge_agent.errors import InputError
from train.batch_statistics import answers_by_batches
from train.data.dataset import FaceSet
from train.data.splits import make_split
from train.machine import describe_machine
from train.run_dir import Learnt, RunDir, RunRecord, git_revision, utc_now
from train.saved import load_model

_MOST_FACES = 4096
_BATCH = 256


def average(runs: Sequence[Path], faces: FaceSet, out: RunDir) -> keras.Model:
    """Leave the mean of finished runs as a run in ``out``.

    Normalisation's running statistics are not averaged: those of the mean network are taken anew, from training images
    without variations (as Izmailov et al. 2018 do).

    Args:
        runs: Finished run directories of one network, data set and split; one named twice counts twice.
        faces: Their data set.
        out: Where to. Empty.

    Raises:
        InputError: Fewer than two runs, an unfinished one, runs that differ in what must be alike, other data, or
            ``out`` holds something.
    """
    if len(runs) < 2:
        raise InputError("runs to average", received=str(len(runs)), expected="two or more")
    opened = [RunDir(path) for path in runs]
    records = [run.record() for run in opened]
    for run, record in zip(opened, records, strict=True):
        for what, mine, first in zip(_ALIKE, _alike(record), _alike(records[0]), strict=True):
            if mine != first:
                raise InputError(f"{run.path}: {what}", received=str(mine), expected=f"{first}, as {opened[0].path}",
                                 remedy="Average trainings of one network on one split of one data set")  # fmt: skip
    if faces.fingerprint() != records[0].fingerprint:
        raise InputError(f"{faces.name}", received=f"data with sha256 {faces.fingerprint()[:12]}",
                         expected=f"{records[0].fingerprint[:12]}, which the runs were trained on")  # fmt: skip
    weights = [load_model(run).get_weights() for run in opened]
    model = load_model(opened[0])
    model.set_weights([np.mean(values, axis=0) for values in zip(*weights, strict=True)])
    rows = make_split(faces, records[0].protocol).train
    chosen = np.random.default_rng(0).permutation(rows)[:_MOST_FACES]
    answers_by_batches(model, faces.images[chosen], _BATCH)
    _write(out, model, opened, records)
    return model


_ALIKE = ("network", "channels", "classes", "data", "split")


def _alike(record: RunRecord) -> tuple[object, ...]:
    return record.recipe.model, record.recipe.channels, record.classes, record.fingerprint, record.protocol


def _write(out: RunDir, model: keras.Model, runs: Sequence[RunDir], records: Sequence[RunRecord]) -> None:
    names = [run.describe() for run in runs]
    recipe = msgspec.structs.replace(
        records[0].recipe,
        title=f"Mean of {', '.join(run.path.resolve().name for run in runs)}",
        source="Wortsman et al. 2022",
        command=f"python -m train average {' '.join(run.path.resolve().name for run in runs)}",
        cost="",
        expected="",
    )
    record = msgspec.structs.replace(
        records[0],
        recipe=recipe,
        git_revision=git_revision(),
        machine=describe_machine([]),
        started_at=utc_now(),
        finished_at="",
        started_from=f"mean of {'; '.join(names)}",
        extra_annotation=", ".join(_union(record.extra_annotation for record in records)),
        teachers=_union(teacher for record in records for teacher in record.teachers),
        earlier=Learnt(),
    )
    for one in records:
        record.earlier = record.earlier.and_also(one.learnt().beyond(record.own()))
    out.create(record)
    out.save_model(model.save)
    out.write_record(msgspec.structs.replace(out.record(), finished_at=utc_now()))


def _union(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if name))
