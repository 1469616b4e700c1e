"""Networks that give a face and its mirror image the same answer, whatever their weights (Cohen & Welling 2016).

Channels come in two halves. What the first half finds in a picture, the second half finds in the mirror image. A layer
keeps that where its kernel is the same after both are exchanged: left with right, and one half with the other. Such a
kernel has half as many free weights and is computed as any other one, so that a device notices nothing.

After each step of the optimizer a kernel is set to the nearest one of this kind. Strides of 2 need kernels of an even
width: with others, positions in the mirror image lie half a step beside those in the picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray


@keras.saving.register_keras_serializable("classroom_edge")
class MirroredKernel(keras.constraints.Constraint):  # type: ignore[misc]  # keras has no type information
    """Kernels ``(height, width, in, out)`` that treat both halves alike.

    Args:
        halves_in: Whether the channels that the kernel reads come in two halves; a picture's do not.
    """

    def __init__(self, halves_in: bool = True) -> None:
        self._halves_in = halves_in

    def __call__(self, kernel: Any) -> Any:
        """The nearest such kernel."""
        mirrored = _exchange_halves(ops.flip(kernel, axis=1), axis=3)
        if self._halves_in:
            mirrored = _exchange_halves(mirrored, axis=2)
        return (kernel + mirrored) / 2.0

    def get_config(self) -> dict[str, Any]:
        """As Keras asks for it."""
        return {"halves_in": self._halves_in}


@keras.saving.register_keras_serializable("classroom_edge")
class EqualHalves(keras.constraints.Constraint):  # type: ignore[misc]  # keras has no type information
    """Vectors of a value for each channel, and matrices ``(in, out)``, that treat both halves alike."""

    def __call__(self, values: Any) -> Any:
        """The nearest such values."""
        return (values + _exchange_halves(values, axis=0)) / 2.0


def settle(model: keras.Model) -> None:
    """End the training of a network of this kind.

    Both halves of a normalisation get the same running statistics, and what held the weights is taken off, so that the
    network can be saved and read as any other one.
    """
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.set_weights([np.asarray(EqualHalves()(values)) for values in layer.get_weights()])
            layer.gamma_constraint = layer.beta_constraint = None
        elif isinstance(layer, layers.Conv2D | layers.Dense):
            layer.kernel_constraint = None


def both_halves(weights: Sequence[NDArray[Any]], shapes: Sequence[tuple[int, ...]]) -> tuple[NDArray[Any], ...]:
    """Weights of a layer for which a plain network half as wide has ``weights``; else these as they are.

    The first half does what the plain network does, the second half does it with the mirror image, and neither reads
    the other. So the network answers with the mean of the plain network's answers for both pictures.

    Args:
        weights: As Keras gives them for one layer.
        shapes: Of the same layer's weights in a network of this kind.
    """
    plain, wanted = np.asarray(weights[0]), shapes[0]
    width = -1 if plain.ndim == 4 else 0
    if plain.ndim != len(wanted) or wanted[width] != 2 * plain.shape[width]:
        return tuple(weights)
    if plain.ndim == 1:
        return tuple(np.concatenate([values, values]) for values in weights)
    if plain.ndim == 2:
        return (np.concatenate([plain, plain]) / 2.0, *weights[1:])
    higher, wider = (wanted[axis] - plain.shape[axis] for axis in (0, 1))
    if min(higher, wider) < 0:
        return tuple(weights)
    # Where TensorFlow's own padding puts a narrower kernel: it pads an even width on the right alone.
    before = wider if plain.shape[1] > 1 else 0
    kernel = np.pad(plain, ((0, higher), (before, wider - before), (0, 0), (0, 0)))
    mirrored = kernel[:, ::-1]
    if wanted[2] != 2 * plain.shape[2]:  # it reads the picture
        return (np.concatenate([kernel, mirrored], axis=3),)
    nothing = np.zeros_like(kernel)
    halves = [np.concatenate([kernel, nothing], axis=3), np.concatenate([nothing, mirrored], axis=3)]
    return (np.concatenate(halves, axis=2),)


def _exchange_halves(values: Any, axis: int) -> Any:
    return ops.roll(values, values.shape[axis] // 2, axis=axis)
