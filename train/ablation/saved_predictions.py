"""What the trainings of an ablation answered on the held-out faces, kept with the training that the answers are of."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge_agent.decoding import UNDECODABLE
from train.common.writing import write_whole
from train.fit.recipe import Recipe
from train.fit.resuming import RunMismatch
from train.fit.run_dir import RunDir

ANSWERS = "answers.json"


class Training(msgspec.Struct, frozen=True, kw_only=True):
    """All that a training's answers depend on.

    Attributes:
        recipe: Its settings.
        faces: What was done to the faces before.
        data: Sha256 of the data set before that.
        split: Which faces were held out.
        start: What it began with, and its fingerprint; empty for nothing.
        teachers: Who taught, with their fingerprints.
        votes: Sha256 of the votes; empty where the recipe uses none.
    """

    recipe: Recipe
    faces: tuple[str, ...]
    data: str
    split: str
    start: str
    teachers: tuple[str, ...]
    votes: str


class _Answers(msgspec.Struct, frozen=True):
    training: Training
    answers: list[int]


def read_answers(run: RunDir, training: Training) -> NDArray[np.int64] | None:
    """The labels a finished run answered; None where they are not kept or cannot be read.

    Raises:
        RunMismatch: They are another training's.
    """
    try:
        kept = msgspec.json.decode((run.path / ANSWERS).read_bytes(), type=_Answers)
    except (FileNotFoundError, *UNDECODABLE):
        return None
    _compare(
        run, {name: (getattr(kept.training, name), getattr(training, name)) for name in training.__struct_fields__}
    )
    return np.array(kept.answers, np.int64)


def write_answers(run: RunDir, training: Training, answers: NDArray[np.int64]) -> None:
    """Keep the labels a finished run answered."""
    write_whole(run.path / ANSWERS, msgspec.json.encode(_Answers(training, answers.tolist())))


def check_run(run: RunDir, training: Training, fingerprint: str) -> None:
    """Make sure that a finished run whose answers are not kept is of this training.

    Args:
        run: The run.
        training: What it should be of.
        fingerprint: Sha256 of the data set as the network saw it.

    Raises:
        RunMismatch: It is another training's.
    """
    record = run.record()
    # A recipe that names no network took that of its start.
    model = training.recipe.model or record.recipe.model
    compared = {
        "recipe": (record.recipe.settings(), msgspec.structs.replace(training.recipe, model=model)),
        "data": (record.fingerprint, fingerprint),
        "split": (record.protocol, training.split),
        "start": (record.started_from, training.start),
        "teachers": (record.teachers, training.teachers),
    }
    _compare(run, compared)


def _compare(run: RunDir, compared: dict[str, tuple[object, object]]) -> None:
    differing: Sequence[str] = [what for what, (then, now) in compared.items() if then != now]
    if differing:
        raise RunMismatch(
            f"{run.path}: it was trained with another {' and '.join(differing)} than the plan has now",
            remedy="Name another folder with --out, or delete this one to train it anew",
        )
