"""Predictions of an ablation's trainings on the held-out faces, saved with what identifies the training."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge_agent.decoding import UNDECODABLE, decode_json
from train.common.writing import write_whole
from train.fit.recipe import Recipe
from train.fit.resuming import RunMismatch
from train.fit.run_dir import RunDir

PREDICTIONS = "answers.json"


class TrainingIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """All that the predictions of a training depend on.

    Attributes:
        recipe: Its settings.
        faces: The normalisation of the faces, step by step.
        data: Sha256 of the data set before the normalisation.
        split: The split that determines the held-out faces.
        initial_weights: The run or bundle it started from, with its fingerprint; empty for none.
        teachers: The teacher models, with their fingerprints.
        votes: Sha256 of the votes; empty where the recipe uses none.
    """

    recipe: Recipe
    faces: tuple[str, ...]
    data: str
    split: str
    initial_weights: str = msgspec.field(name="start")
    teachers: tuple[str, ...]
    votes: str


class _SavedPredictions(msgspec.Struct, frozen=True):
    training: TrainingIdentity
    predictions: list[int] = msgspec.field(name="answers")


def read_predictions(run: RunDir, training: TrainingIdentity) -> NDArray[np.int64] | None:
    """Read the labels that a finished run predicted.

    Returns:
        ``int64 (N,)``, or None where none are saved or the file cannot be read.

    Raises:
        RunMismatch: They are another training's.
    """
    try:
        saved = decode_json((run.path / PREDICTIONS).read_bytes(), _SavedPredictions)
    except (FileNotFoundError, *UNDECODABLE):
        return None
    names = training.__struct_fields__
    _compare(run, {name: (getattr(saved.training, name), getattr(training, name)) for name in names})
    return np.array(saved.predictions, np.int64)


def write_predictions(run: RunDir, training: TrainingIdentity, predictions: NDArray[np.int64]) -> None:
    """Save the labels that a finished run predicted, ``int64 (N,)``."""
    write_whole(run.path / PREDICTIONS, msgspec.json.encode(_SavedPredictions(training, predictions.tolist())))


def check_run(run: RunDir, training: TrainingIdentity, fingerprint: str) -> None:
    """Check that a finished run without saved predictions is of this training.

    Args:
        run: The run.
        training: The training it should be of.
        fingerprint: Sha256 of the data set after the normalisation.

    Raises:
        RunMismatch: It is another training's.
    """
    record = run.record()
    # A recipe that names no network took the one of its initial weights.
    model = training.recipe.model or record.recipe.model
    compared = {
        "recipe": (record.recipe.settings(), msgspec.structs.replace(training.recipe, model=model)),
        "data": (record.fingerprint, fingerprint),
        "split": (record.protocol, training.split),
        "initial_weights": (record.started_from, training.initial_weights),
        "teachers": (record.teachers, training.teachers),
    }
    _compare(run, compared)


def _compare(run: RunDir, compared: dict[str, tuple[object, object]]) -> None:
    differing = [name.replace("_", " ") for name, (then, now) in compared.items() if then != now]
    if differing:
        raise RunMismatch(
            f"{run.path}: it was trained with another {' and '.join(differing)} than the plan has now",
            remedy="Name another folder with --out, or delete this one to train it again",
        )
