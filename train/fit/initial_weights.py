"""Initial weights of a training: those of a finished run or of a model bundle, for any label set."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import msgspec
import numpy as np
from numpy.typing import NDArray

from edge_agent.errors import InputError
from edge_agent.model_format.bundle import read_bundle
from train.fit.provenance import NO_PROVENANCE, Provenance, describe_bundle, provenance_of_bundle
from train.fit.recipe import Recipe
from train.fit.run_dir import RunDir
from train.fit.saved import load_model
from train.fit.weights_from_tflite import model_from_tflite
from train.models import is_mirrored
from train.models.mirror import both_halves

log = logging.getLogger(__name__)

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # how OpenCV weighs red, green and blue into a gray level


@dataclass(frozen=True)
class InitialWeights:
    """Weights to begin with, as NumPy arrays on no device and of no backend.

    Attributes:
        description: Where they come from, with a fingerprint; it goes into the new run's record.
        model: Name of the network in ``train.models``.
        labels: Name of each output.
        channels: 1 for gray, 3 for red-green-blue.
        weights: By layer in the network's order, each as Keras gives them.
        provenance: Of these weights, as far as is known.
    """

    description: str
    model: str
    labels: tuple[str, ...]
    channels: int
    weights: tuple[tuple[NDArray[Any], ...], ...]
    provenance: Provenance = NO_PROVENANCE

    def complete(self, recipe: Recipe) -> Recipe:
        """The recipe, with this network where it names none. Logs a warning where it would drop colour."""
        if recipe.channels < self.channels:
            log.warning(
                "%s reads colour and the recipe trains in gray: for colour name one with channels = 3, such as "
                "finetune-colour",
                self.description,
            )
        return recipe if recipe.model else msgspec.structs.replace(recipe, model=self.model)

    def copy_into(self, model: keras.Model, labels: tuple[str, ...]) -> None:
        """Set a network's weights to these.

        Outputs are matched by the names of their labels; a label not known here keeps the network's own random
        weights. Between gray and colour the first kernel is spread or summed so that a gray picture gives the
        same answers.

        Args:
            model: A network of the same architecture, for any labels and channels, or a mirrored one twice as wide.
            labels: Name of each of its first outputs; further ones are not changed.

        Raises:
            InputError: These are weights of another network.
        """
        name = model.name.replace("_", "-")
        ours = [layer for layer in model.layers if layer.weights]
        theirs = [values for values in self.weights if values]
        mismatch = InputError(
            self.description,
            received=f"the network {self.model}",
            expected=name,
            remedy="Start from the same model, or name its recipe",
        )
        if len(ours) != len(theirs):
            raise mismatch
        for index, (layer, values) in enumerate(zip(ours, theirs, strict=True)):
            wanted = [tuple(one.shape) for one in layer.weights]
            if is_mirrored(name):
                values = both_halves(values, wanted)
            if index == 0:
                values = (_channels(values[0], wanted[0]), *values[1:])
            if layer is ours[-1]:
                values = self._outputs(layer.get_weights(), values, labels)
            if [value.shape for value in values] != wanted:
                raise mismatch
            layer.set_weights(list(values))

    def _outputs(
        self, fresh: list[NDArray[Any]], known: tuple[NDArray[Any], ...], labels: tuple[str, ...]
    ) -> tuple[NDArray[Any], ...]:
        """An output layer's weights: columns of the labels known here, and the fresh ones of all others."""
        if [value.shape[:-1] for value in fresh] != [value.shape[:-1] for value in known]:
            return known
        for column, label in enumerate(labels):
            if label in self.labels:
                for ours, theirs in zip(fresh, known, strict=True):
                    ours[..., column] = theirs[..., self.labels.index(label)]
        return tuple(fresh)


def open_initial_weights(path: Path, images: NDArray[np.uint8]) -> InitialWeights:
    """Read a finished run directory or a model bundle.

    Args:
        path: The folder or the ``.tflite`` file.
        images: ``uint8 (N, 48, 48, C)`` of the new training part; a bundle's normalisation is estimated on them.

    Raises:
        InputError: Nothing is there, or the run is unfinished.
        ModelError: The file is no bundle, or its weights cannot be recovered.
        RunDamaged: The run is broken.
    """
    if path.is_file():
        bundle = read_bundle(path)
        facts = bundle.metadata
        return InitialWeights(
            describe_bundle(path, bundle.model_id),
            facts.architecture,
            facts.labels,
            facts.input.channels,
            _weights(model_from_tflite(bundle, images)),
            provenance_of_bundle(facts),
        )
    _check_there(path)
    return initial_weights_of_run(RunDir(path))


def describe_initial_weights(path: Path) -> str:
    """Name and fingerprint of a finished run directory or a model bundle, as a run's record has them.

    Raises:
        InputError: Nothing is there, or the run is unfinished.
        ModelError: The file is no bundle.
    """
    if path.is_file():
        return describe_bundle(path, read_bundle(path).model_id)
    _check_there(path)
    run = RunDir(path)
    run.record()
    run.check_finished()
    return run.describe()


def _check_there(path: Path) -> None:
    if not path.exists():
        raise InputError(
            f"{path}",
            received="nothing there",
            expected="a finished run directory or a model bundle",
            remedy="Check the path given to --from",
        )


def initial_weights_of_run(run: RunDir) -> InitialWeights:
    """The weights of a finished run.

    Raises:
        InputError: The run is unfinished.
        RunDamaged: It is broken.
    """
    record, known = run.record(), load_model(run)
    return InitialWeights(
        run.describe(),
        record.recipe.model,
        record.classes,
        record.recipe.channels,
        _weights(known),
        record.provenance(),
    )


def _weights(model: keras.Model) -> tuple[tuple[NDArray[Any], ...], ...]:
    return tuple(tuple(layer.get_weights()) for layer in model.layers)


def _channels(kernel: NDArray[Any], wanted: tuple[int, ...]) -> NDArray[Any]:
    if kernel.ndim != 4 or kernel.shape[2] == wanted[2]:
        return kernel
    if kernel.shape[2] == 1:
        return np.asarray(kernel * _LUMA[:, None], kernel.dtype)
    return np.asarray(kernel.sum(axis=2, keepdims=True), kernel.dtype)
