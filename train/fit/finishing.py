"""The end of a training: the network in the device's resolution and in float32, saved once."""

from __future__ import annotations

from typing import Any

import keras
from numpy.typing import NDArray

from edge_agent.errors import InputError
from train.data.dataset import FaceSet
from train.fit.recipe import Recipe
from train.fit.run_dir import RunDir
from train.fit.run_record import utc_now
from train.fit.saved import load_model
from train.models import build, is_mirrored
from train.models.mirror import settle

_CHOSEN = "The validation part chose the weights of"


def note_on_choice(what: str) -> str:
    """What someone who reads figures on the validation part must know where it chose the weights."""
    return f"{_CHOSEN} {what}, so its figures flatter a little."


def tells_of_choice(note: str) -> bool:
    """Whether a run's or a bundle's note says that the validation part chose weights."""
    return _CHOSEN in note


def finished_weights(run: RunDir) -> list[NDArray[Any]] | None:
    """Weights of a finished run; None of an unfinished one.

    A finished network is never written again, because other records name its file by its fingerprint.

    Raises:
        InputError: The run is finished and its network is missing.
    """
    if not run.record().finished_at:
        return None
    if run.model_path.is_file():
        weights: list[NDArray[Any]] = load_model(run).get_weights()
        return weights
    if run.load_state() is not None:
        return None
    raise InputError(
        f"{run.path}",
        received="a finished run without model.keras and state.npz",
        expected="one of them",
        remedy="Restore it, or train into another folder",
    )


def at_device_size(recipe: Recipe, faces: FaceSet, weights: list[NDArray[Any]]) -> keras.Model:
    """The network at the device's resolution and in float32."""
    keras.mixed_precision.set_global_policy("float32")
    finished = build(recipe.model, len(faces.classes), channels=recipe.channels)
    # The second head's columns come last and are dropped.
    wanted = [tuple(one.shape) for one in finished.weights]
    pairs = zip(weights, wanted, strict=True)
    finished.set_weights([values[..., : shape[-1]] if values.shape != shape else values for values, shape in pairs])
    if is_mirrored(recipe.model):
        settle(finished)
    return finished


def finish(
    recipe: Recipe, faces: FaceSet, run: RunDir, weights: list[NDArray[Any]], *, write: bool, kept_epoch: int = 0
) -> keras.Model:
    """Save the network and close the record; ``kept_epoch`` counts from 1, 0 for the last one."""
    finished = at_device_size(recipe, faces, weights)
    if not write:
        return finished
    run.save_model(finished.save)
    record = run.record()
    if not record.finished_at:
        record.finished_at = utc_now()
        record.kept_epoch = kept_epoch
        if kept_epoch:
            record.protocol_note = f"{record.protocol_note} {note_on_choice(f'epoch {kept_epoch}')}".strip()
        run.write_record(record)
    return finished
