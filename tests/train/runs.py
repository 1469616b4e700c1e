"""Run directories as a training leaves them, without the training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from train.fit.recipe import Phase, Recipe
from train.fit.run_dir import RunDir
from train.fit.run_record import EpochMetrics, RunRecord

RECIPE = Recipe(
    title="Made", source="", command="", cost="", expected="", model="edge", phases=(Phase(epochs=3),), batch_size=16
)
RECORD = RunRecord(
    recipe=RECIPE,
    data="made",
    fingerprint="ab" * 32,
    protocol="own-split seed=0",
    protocol_note="",
    classes=("keen", "bored"),
    images={"train": 64, "validation": 40, "test": 0},
    parameters=1_000,
    macs=2_000,
    git_revision="unknown",
    versions={"keras": "3"},
    started_at="2026-01-01T00:00:00+00:00",
)


def begun_run(
    path: Path, *, val_accuracies: Sequence[float], recipe: Recipe = RECIPE, fingerprint: str = "ab" * 32
) -> RunDir:
    """A run that has reached these accuracies, one an epoch; an epoch took 30 s."""
    run = RunDir(path)
    run.create(msgspec.structs.replace(RECORD, recipe=recipe, fingerprint=fingerprint))
    epochs = [
        EpochMetrics(
            epoch=number, loss=1.0, accuracy=0.5, val_loss=1.5, val_accuracy=share, learning_rate=0.1, seconds=30.0
        )
        for number, share in enumerate(val_accuracies)
    ]
    if epochs:
        run.save_epoch(epochs, [np.zeros(1)])
    return run
