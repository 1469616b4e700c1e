"""Going on with a training that was interrupted: what the next epoch depends on, and whether it is the same one."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from edge_agent.errors import AgentError, InputError
from train.data.dataset import FaceSet, Split
from train.data.splits import learnt_before
from train.machine import accelerators, describe_machine
from train.models import Cost
from train.recipe import Recipe
from train.run_dir import EpochMetrics, Learnt, RunDir, RunRecord, git_revision, utc_now
from train.start import Start
from train.teachers import Teachers


class RunMismatch(AgentError):
    """A run cannot be continued with another recipe or other data."""

    exit_code = InputError.exit_code


def begin_or_continue(
    recipe: Recipe,
    faces: FaceSet,
    split: Split,
    run: RunDir,
    cost: Cost,
    teachers: Teachers | None,
    *,
    resume: bool,
    start_from: Start | None,
) -> tuple[list[EpochMetrics], list[NDArray[Any]] | None]:
    """Open the run directory and tell where to go on.

    Args:
        recipe: All settings.
        faces: The data set.
        split: Which rows to learn from and which to judge by.
        run: Empty, or an unfinished run where ``resume``.
        cost: Of the network at the device's resolution.
        teachers: Who teaches, for the record.
        resume: Continue a run that is there.
        start_from: What the weights begin with, for the record.

    Returns:
        The epochs already done, and what :func:`get_state` took after them; None before the first.

    Raises:
        RunMismatch: The run was begun with another recipe, other data, teachers, weights or another split.
        InputError: The directory holds a run and ``resume`` is false, or something else.
    """
    record = RunRecord(
        recipe=recipe,
        data=faces.name,
        fingerprint=faces.fingerprint(),
        protocol=split.protocol,
        protocol_note="",
        classes=faces.classes,
        images={"train": len(split.train), "validation": len(split.validation), "test": len(split.test)},
        parameters=cost.parameters,
        macs=cost.macs,
        git_revision=git_revision(),
        extra_annotation="FER+ votes" if recipe.uses_votes else "",
        machine=describe_machine(accelerators()),
        versions={"keras": keras.__version__, "backend": keras.backend.backend(), "numpy": np.__version__},
        started_at=utc_now(),
        started_from="" if start_from is None else start_from.description,
        teachers=() if teachers is None else teachers.descriptions,
    )
    before = Learnt() if start_from is None else start_from.learnt
    record.earlier = before.and_also(Learnt() if teachers is None else teachers.learnt).beyond(record.own())
    flattered = learnt_before(faces, split, record.earlier.splits.get(record.fingerprint, ()))
    record.protocol_note = " ".join(filter(None, (split.note, flattered)))
    if not (resume and run.exists()):
        run.create(record)
        return [], None
    begun = run.record()
    compared = {
        "recipe": (begun.recipe.settings(), recipe.settings()),
        "data": (begun.fingerprint, record.fingerprint),
        "teachers": (begun.teachers, record.teachers),
        "start": (begun.started_from, record.started_from),
        "split": ((begun.protocol, begun.images), (record.protocol, record.images)),
    }
    for what, (then, now) in compared.items():
        if then != now:
            raise RunMismatch(
                f"{run.path}: the {what} differs from the one the run was begun with",
                remedy="Continue with the same recipe and data, or start a new run directory",
            )
    saved = run.load_state()
    if saved is None:
        return [], None
    epochs, state = saved
    return run.metrics()[:epochs], state


def get_state(model: keras.Model) -> list[NDArray[Any]]:
    """All that the next epoch depends on: weights, running statistics, random state and optimizer, in a fixed order."""
    return [keras.ops.convert_to_numpy(variable) for variable in _state_variables(model)]


def set_state(model: keras.Model, state: list[NDArray[Any]]) -> None:
    """Put back what :func:`get_state` took.

    Raises:
        RunMismatch: The state is another network's.
    """
    variables = _state_variables(model)
    if [tuple(variable.shape) for variable in variables] != [value.shape for value in state]:
        raise RunMismatch("state.npz", received="the state of another network", expected=f"that of {model.name}",
                          remedy="Continue with the Keras version and the recipe the run was begun with")  # fmt: skip
    for variable, value in zip(variables, state, strict=True):
        variable.assign(value)


def _state_variables(model: keras.Model) -> list[Any]:
    return [*model.trainable_variables, *model.non_trainable_variables, *model.optimizer.variables]
