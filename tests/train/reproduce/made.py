"""A made-up CK+48, and results as trainings would leave them."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np

from edge_agent.model_format.labels import CK_PLUS
from tests.train.data.files import write_face
from tests.train.runs import RECIPE, begun_run
from train.fit.recipe import Recipe
from train.fit.run_dir import RunDir
from train.reproduce.jobs import Job, Settings, recipe_of
from train.reproduce.results import Result, Results

RESULT = Result(
    job=Job(data="ckplus", model="paper-6"),
    accuracy=0.95,
    loss=0.1,
    val_accuracy=0.98,
    val_loss=0.2,
    trained_images=640,
    val_images=300,
    best_val_accuracy=0.99,
    seconds=60.0,
    parameters=2_349_703,
    note="",
    fingerprint="0" * 12,
    machine="A processor, 2 cores",
    versions={"keras": "3"},
    git_revision="unknown",
    finished_at="2026-01-01T00:00:00+00:00",
)


def result(job: Job, **changes: float) -> Result:
    """A finished training of a job."""
    return msgspec.structs.replace(RESULT, job=job, **changes)


def results(*found: Result, epochs: int = 50) -> Results:
    """Results of trainings of one length."""
    settings = Settings(epochs=epochs)
    return Results(settings=settings, deviation=settings.deviation, results=found)


def finished(folder: Path, recipe: Recipe = RECIPE, *, epochs: int = 50) -> RunDir:
    """A finished run by a recipe; its network is an empty file."""
    run = begun_run(folder, val_accuracies=[0.5] * epochs, recipe=recipe)
    record = run.record()
    run.write_record(msgspec.structs.replace(record, protocol=recipe.protocol or record.protocol, finished_at="now"))
    run.model_path.touch()
    return run


def finished_job(out: Path, job: Job) -> RunDir:
    """The finished run of a job, where a reproduction in ``out`` leaves it."""
    return finished(out / job.folder, recipe_of(job, Settings()))


def write_ckplus(folder: Path, subjects: int = 10, frames: int = 2) -> Path:
    """Striped pictures in CK+48's folders; the frames of one recording differ by a little noise."""
    rng = np.random.default_rng(0)
    for label, name in enumerate(CK_PLUS):
        for subject in range(subjects):
            still = rng.integers(0, 90, (48, 48))
            still[:, 6 * label : 6 * label + 8] += 120
            for frame in range(frames):
                picture = (still + rng.integers(0, 9, still.shape)).astype(np.uint8)
                write_face(folder / name / f"S{subject:03d}_{label:03d}_{frame:08d}.png", picture)
    return folder
