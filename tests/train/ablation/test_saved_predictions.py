"""Saved predictions: the file keeps the keys that earlier versions wrote."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest

from tests.train.runs import RECIPE
from train.ablation.effects import Effect
from train.ablation.saved_predictions import PREDICTIONS, TrainingIdentity, read_predictions, write_predictions
from train.fit.resuming import RunMismatch
from train.fit.run_dir import RunDir

TRAINING = TrainingIdentity(
    recipe=RECIPE,
    faces=("clahe",),
    data="d" * 64,
    split="fer2013-official",
    initial_weights="edge, bundle 0123",
    teachers=("big, bundle 4567",),
    votes="",
)


def test_predictions_are_read_as_they_were_written(tmp_path: Path) -> None:
    write_predictions(RunDir(tmp_path), TRAINING, np.array([3, 0, 6]))
    found = read_predictions(RunDir(tmp_path), TRAINING)
    assert found is not None
    assert found.tolist() == [3, 0, 6]


def test_the_file_keeps_its_keys(tmp_path: Path) -> None:
    write_predictions(RunDir(tmp_path), TRAINING, np.array([3]))
    kept = json.loads((tmp_path / PREDICTIONS).read_text())
    assert (PREDICTIONS, set(kept), kept["answers"]) == ("answers.json", {"training", "answers"}, [3])
    assert set(kept["training"]) == {"recipe", "faces", "data", "split", "start", "teachers", "votes"}
    assert kept["training"]["start"] == "edge, bundle 0123"


def test_predictions_of_another_training_are_refused_and_the_difference_is_named(tmp_path: Path) -> None:
    write_predictions(RunDir(tmp_path), TRAINING, np.array([3]))
    other = msgspec.structs.replace(TRAINING, initial_weights="", votes="f" * 64)
    with pytest.raises(RunMismatch, match="trained with another initial weights and votes than the plan has now"):
        read_predictions(RunDir(tmp_path), other)


def test_effects_keep_their_keys() -> None:
    effect = Effect(name="base", images=1, accuracies=(1.0,), accuracy=1.0, gain=0.0, margin=0.5)
    assert set(msgspec.to_builtins(effect)) == {"name", "images", "accuracies", "accuracy", "gain", "reach"}
