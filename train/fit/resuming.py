"""Going on with a training that was interrupted: what the next epoch depends on, and whether it is the same one."""

from __future__ import annotations

import logging
from typing import Any

import keras
import msgspec
import numpy as np
from numpy.typing import NDArray

from edge_agent.errors import AgentError, InputError
from edge_agent.model_format.labels import FER2013
from train.common.machine import accelerators, describe_machine
from train.data.dataset import FaceSet, Split
from train.data.ferplus import Votes
from train.data.splits import note_on
from train.fit.distillation import Teachers
from train.fit.initial_weights import Start
from train.fit.recipe import Recipe
from train.fit.run_dir import EpochMetrics, Learnt, RunDir, RunRecord, git_revision, utc_now
from train.models import Cost

log = logging.getLogger(__name__)


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
    votes: Votes | None,
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
        votes: FER+'s, where the recipe uses them.
        resume: Continue a run that is there.
        start_from: What the weights begin with, for the record.

    Returns:
        The epochs already done, and what :func:`get_state` took after them; None before the first.

    Raises:
        RunMismatch: The run was begun with another recipe, other data, votes, teachers, weights or another split.
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
        votes="" if votes is None else votes.fingerprint(),
    )
    before = Learnt() if start_from is None else start_from.learnt
    record.earlier = before.and_also(Learnt() if teachers is None else teachers.learnt).beyond(record.own())
    others = [name for sha256, name in record.earlier.data.items() if sha256 != record.fingerprint]
    if faces.classes == FER2013 and "FER2013" in others:
        log.warning(
            "what this begins with or is taught by learnt from FER2013, of which %s has the classes: make sure "
            "that no picture held out was among them",
            faces.name,
        )
    record.protocol_note = note_on(faces, split, record.earlier.splits)
    if not (resume and run.exists()):
        run.create(record)
        return [], None
    begun = run.record()
    compared: dict[str, tuple[object, object]] = {
        **_settings(begun.recipe.settings(), recipe.settings()),
        "data, sha256": (begun.fingerprint[:12], record.fingerprint[:12]),
        "votes, sha256": ((begun.votes or record.votes)[:12], record.votes[:12]),  # records of old do not tell
        "teachers": (begun.teachers, record.teachers),
        "start": (begun.started_from, record.started_from),
        "split": ((begun.protocol, begun.images), (record.protocol, record.images)),
    }
    for what, (then, now) in compared.items():
        if then != now:
            raise RunMismatch(
                f"{run.path}: {what}",
                received=_told(now),
                expected=f"{_told(then)}, which it was begun with",
                remedy="Continue with the same recipe and data, or start a new run directory",
            )
    saved = run.load_state()
    if saved is None:
        return [], None
    epochs, state = saved
    return run.metrics()[:epochs], state


def _told(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(_told, value)) or "none"
    return str(value) if value != "" else "none"


def _settings(begun: msgspec.Struct, now: msgspec.Struct, place: str = "") -> dict[str, tuple[object, object]]:
    """Every setting of two recipes by its key."""
    found: dict[str, tuple[object, object]] = {}
    for name, value in msgspec.structs.asdict(now).items():
        then = getattr(begun, name)
        if isinstance(value, msgspec.Struct):
            found |= _settings(then, value, f"{place}{name}.")
        else:
            found[f"recipe, {place}{name}"] = then, value
    return found


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
        raise RunMismatch(
            "state.npz",
            received="the state of another network",
            expected=f"that of {model.name}",
            remedy="Continue with the Keras version and the recipe the run was begun with",
        )
    for variable, value in zip(variables, state, strict=True):
        variable.assign(value)


def _state_variables(model: keras.Model) -> list[Any]:
    return [*model.trainable_variables, *model.non_trainable_variables, *model.optimizer.variables]
