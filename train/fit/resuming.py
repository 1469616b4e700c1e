"""Beginning a training or continuing an interrupted one: the record, and the state that the next epoch depends on."""

from __future__ import annotations

from typing import Any

import keras
import msgspec
import numpy as np
from numpy.typing import NDArray

from edge_agent.errors import AgentError, InputError
from train.common.machine import accelerators, describe_machine
from train.fit.inputs import PreparedInputs
from train.fit.provenance import note_on_split, warn_of_fer2013
from train.fit.recipe import Phase
from train.fit.run_dir import RunDir
from train.fit.run_record import EpochMetrics, ExtraData, RunRecord, git_revision, utc_now
from train.models import Cost


class RunMismatch(AgentError):
    """A run cannot be continued with another recipe or other data."""

    exit_code = InputError.exit_code


def begin_or_continue(
    prepared: PreparedInputs, run: RunDir, cost: Cost, *, resume: bool
) -> tuple[list[EpochMetrics], list[NDArray[Any]] | None]:
    """Open the run directory and find out where to go on.

    Args:
        prepared: What the training is given; it goes into the record.
        run: Empty, or an unfinished run where ``resume``.
        cost: Of the network at the device's resolution.
        resume: Continue a run that is there.

    Returns:
        The epochs already done, and what :func:`get_state` took after them; None before the first.

    Raises:
        RunMismatch: The run was begun with another recipe, other data, votes, teachers, weights or another split.
        RunDamaged: A file of the run is broken, or metrics of its epochs are missing.
        InputError: The directory holds a run and ``resume`` is false, or something else.
    """
    record = _new_record(prepared, cost)
    if not (resume and run.exists()):
        run.create(record)
        return [], None
    begun = run.record()
    compared: dict[str, tuple[object, object]] = {
        **_settings(begun.recipe.settings(), record.recipe.settings()),
        "data, sha256": (begun.fingerprint[:12], record.fingerprint[:12]),
        "further data": (begun.extra, record.extra),
        "votes, sha256": ((begun.votes or record.votes)[:12], record.votes[:12]),  # older records do not have it
        "teachers": (begun.teachers, record.teachers),
        "start": (begun.started_from, record.started_from),
        "split": ((begun.protocol, begun.images), (record.protocol, record.images)),
    }
    for what, (then, now) in compared.items():
        if then != now:
            raise RunMismatch(
                f"{run.path}: {what}",
                received=_format(now),
                expected=f"{_format(then)}, which it was begun with",
                remedy="Continue with the same recipe and data, or start a new run directory",
            )
    return run.load_progress() or ([], None)


def _new_record(prepared: PreparedInputs, cost: Cost) -> RunRecord:
    given = prepared.given
    recipe, faces, split = given.recipe, given.faces, given.split
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
        started_from=prepared.initial_weights_name,
        teachers=prepared.teacher_names,
        votes="" if given.votes is None else given.votes.fingerprint(),
        extra=tuple(one.record for one in prepared.extra),
        prior=prepared.prior,
    )
    record.earlier = prepared.inherited_provenance().without(record.own_provenance())
    warn_of_fer2013(faces, record.earlier)
    record.protocol_note = note_on_split(faces, split, record.earlier)
    return record


def _format(value: object) -> str:
    if isinstance(value, tuple):
        return "; ".join(map(_format, value)) or "none"
    if isinstance(value, Phase):
        return ", ".join(f"{name} = {one}" for name, one in msgspec.to_builtins(value).items())
    if isinstance(value, ExtraData):
        return f"{value.images:,} faces of {value.name}, sha256 {value.fingerprint[:12]}"
    return "none" if value in ("", None) else str(value)


def _settings(begun: msgspec.Struct, now: msgspec.Struct, place: str = "") -> dict[str, tuple[object, object]]:
    """Every setting of two recipes by its key in TOML."""
    found: dict[str, tuple[object, object]] = {}
    for field in msgspec.structs.fields(now):
        then, value = getattr(begun, field.name), getattr(now, field.name)
        if isinstance(then, msgspec.Struct) and isinstance(value, msgspec.Struct):
            found |= _settings(then, value, f"{place}{field.encode_name}.")
        else:
            found[f"recipe, {place}{field.encode_name}"] = then, value
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
