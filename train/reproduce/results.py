"""Results of a reproduction so far: collected from its run directories, saved as one small JSON file."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import msgspec

from edge_agent.decoding import UNDECODABLE, decode_json
from edge_agent.errors import InputError
from train.common.writing import write_whole
from train.fit.run_dir import RunDamaged, RunDir
from train.fit.run_record import EpochMetrics
from train.reproduce.jobs import Job, Settings, job_of
from train.reproduce.leakage import SplitLeakage
from train.reproduce.paper import CURVES

log = logging.getLogger(__name__)

SCHEMA = 1


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One finished training: its statistics after the last epoch.

    Attributes:
        job: What was trained.
        accuracy: Over the training images during the epoch, with dropout active.
        loss: The same, in nats.
        val_accuracy: Over the held-out images.
        val_loss: The same, in nats.
        trained_images: Number of images per epoch; a last partial batch is dropped.
        val_images: Number of held-out images.
        best_val_accuracy: The largest of all epochs. The tables do not use it.
        seconds: Duration of all epochs together.
        parameters: Number of parameters of the network.
        note: What one must know about the split.
        fingerprint: First 12 hex digits of the data's sha256.
        machine: The machine on which it was started.
        versions: Versions of Keras, its backend and NumPy.
        git_revision: The code it was started with.
        finished_at: ISO 8601, UTC.
    """

    job: Job
    accuracy: float
    loss: float
    val_accuracy: float
    val_loss: float
    trained_images: int
    val_images: int
    best_val_accuracy: float
    seconds: float
    parameters: int
    note: str
    fingerprint: str
    machine: str
    versions: dict[str, str]
    git_revision: str
    finished_at: str


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """The epochs behind one of the paper's figures."""

    figure: int
    job: Job
    epochs: tuple[EpochMetrics, ...]


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the page is rendered from."""

    settings: Settings
    deviation: str
    results: tuple[Result, ...] = ()
    splits: tuple[SplitLeakage, ...] = ()
    curves: tuple[Curve, ...] = ()
    schema: int = SCHEMA


def collect(out: Path, settings: Settings, splits: Sequence[SplitLeakage] = ()) -> Results:
    """Read all finished trainings below a reproduction's folder, whichever call made them.

    Trainings of another kind or under another name are ignored.
    """
    runs = [RunDir(record.parent) for record in sorted(out.glob("*/*/run.json"))]
    finished = [(job_of(run.record(), settings), run) for run in runs if _is_finished(run, settings.epochs)]
    found = [(_result(job, run), run) for job, run in finished if job is not None and run.path == out / job.folder]
    found.sort(key=lambda pair: _sort_key(pair[0].job))
    return Results(
        settings=settings,
        deviation=settings.deviation,
        results=tuple(result for result, _ in found),
        splits=tuple(splits),
        curves=tuple(
            Curve(figure=figure, job=result.job, epochs=tuple(map(_rounded, run.metrics())))
            for figure in CURVES
            for result, run in [pair for pair in found if _is_shown(pair[0].job, figure)][:1]
        ),
    )


def merge(found: Results, other: Results) -> Results:
    """Merge two sets of results; a training that is in both is taken from ``found``."""
    jobs = {result.job for result in found.results}
    protocols = {facts.protocol for facts in found.splits}
    curves: dict[int, Curve] = {}
    for curve in sorted((*found.curves, *other.curves), key=lambda curve: _sort_key(curve.job)):
        curves.setdefault(curve.figure, curve)
    results = [*found.results, *(result for result in other.results if result.job not in jobs)]
    return msgspec.structs.replace(
        found,
        results=tuple(sorted(results, key=lambda result: _sort_key(result.job))),
        splits=(*found.splits, *(facts for facts in other.splits if facts.protocol not in protocols)),
        curves=tuple(curves[figure] for figure in CURVES if figure in curves),
    )


def write_results(results: Results, path: Path) -> None:
    """Write the file with a line for each training, split and curve, so that two versions are easy to compare."""
    parts = [f'"{name}": {_one_per_line(value)}' for name, value in msgspec.to_builtins(results).items()]
    write_whole(path, ("{\n" + ",\n".join(parts) + "\n}\n").encode())


def read_results(path: Path) -> Results:
    """Read the file.

    Raises:
        InputError: It is missing or is not a file of results.
    """
    try:
        return decode_json(path.read_bytes(), Results)
    except (OSError, *UNDECODABLE) as error:
        raise InputError(
            str(path),
            received=str(error),
            expected="results that `python -m train reproduce` wrote",
            remedy="Restore the file, or move it away and let it be written again",
        ) from None


def _is_finished(run: RunDir, epochs: int) -> bool:
    """Whether a run directory holds a finished training; a damaged one is logged and counts as unfinished."""
    try:
        return (
            run.exists()
            and run.model_path.is_file()
            and bool(run.record().finished_at)
            and (len(run.metrics()) == epochs)
        )
    except RunDamaged as error:
        log.warning("left out: %s", error)
        return False


def _result(job: Job, run: RunDir) -> Result:
    record, metrics = run.record(), run.metrics()
    last = _rounded(metrics[-1])
    batch = record.recipe.batch_size
    return Result(
        job=job,
        accuracy=last.accuracy,
        loss=last.loss,
        val_accuracy=last.val_accuracy,
        val_loss=last.val_loss,
        trained_images=max(1, record.images["train"] // batch) * batch,
        val_images=record.images["validation"],
        best_val_accuracy=round(max(epoch.val_accuracy for epoch in metrics), 6),
        seconds=round(sum(epoch.seconds for epoch in metrics), 1),
        parameters=record.parameters,
        note=record.protocol_note,
        fingerprint=record.fingerprint[:12],
        machine=record.machine,
        versions=record.versions,
        git_revision=record.git_revision,
        finished_at=record.finished_at,
    )


def _rounded(epoch: EpochMetrics) -> EpochMetrics:
    """Round to six decimals, which is finer than one image of any set and keeps the file small."""
    return msgspec.structs.replace(
        epoch, **{name: round(value, 6) for name, value in msgspec.structs.asdict(epoch).items() if name != "epoch"}
    )


def _sort_key(job: Job) -> tuple[object, ...]:
    return job.data != "fer2013", job.split, job.model, job.seed, job.folds, job.fold


def _is_shown(job: Job, figure: int) -> bool:
    return (job.data, job.model) == CURVES[figure] and job.split == "paper"


def _one_per_line(value: object) -> str:
    if not isinstance(value, list | tuple) or not value:
        return msgspec.json.encode(value).decode()
    return "[\n  " + ",\n  ".join(msgspec.json.encode(element).decode() for element in value) + "\n]"
