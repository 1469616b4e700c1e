"""Trainable weights from a model bundle, for anyone who has the file and not its run.

A converter removes normalisation and input scaling: it multiplies them into the kernels and biases next to them, and
int8 rounds those to 255 steps a filter. So kernels and biases are dequantized, and each normalisation is rebuilt around
them. Its running mean and variance are estimated on pictures; its scale and offset are those that leave the network's
answers unchanged. Training then starts with the bundle's own function and with normalisation that fits the data.
``docs/retrain.md`` has the measured loss.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import keras
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from keras import layers
from numpy.typing import NDArray

from edge_agent.errors import ModelError
from edge_agent.model_format.bundle import Bundle
from edge_agent.vision.classifier import Classifier
from train.models import MODELS, build, is_mirrored

log = logging.getLogger(__name__)

MIN_AGREEMENT = 0.9
"""Smallest share of pictures on which a recovered network gives the bundle's own label."""

_MAX_FACES = 1024
"""Most pictures that normalisation is estimated on; every filter sees thousands of values in each."""
_BATCH = 64
_LEVELS = 255.0  # the networks' own input scaling, which a converter multiplies into the first kernel
_DTYPES = {0: "<f4", 1: "<f2", 2: "<i4", 3: "u1", 9: "i1"}
_OPERATOR = schema.BuiltinOperator
_REMEDY = "Start from the run directory the bundle was exported from"

Array = NDArray[np.float32]


@dataclass
class _Constants:
    """What a TFLite graph holds, in graph order.

    Attributes:
        kernels: ``(kernel, bias)`` of convolutions ``(height, width, in, out)`` and dense layers ``(in, out)``.
        factors: Constant vectors of multiplications.
        offsets: Constant vectors of additions.
        scaled: Whether the input scaling is a multiplication of its own.
    """

    kernels: list[tuple[Array, Array]] = field(default_factory=list)
    factors: list[Array] = field(default_factory=list)
    offsets: list[Array] = field(default_factory=list)
    scaled: bool = False


def model_from_tflite(bundle: Bundle, images: NDArray[np.uint8]) -> keras.Model:
    """Build a Keras network that answers as a bundle does and can be trained further.

    Args:
        bundle: Of any quantization, its architecture one of ``MODELS``.
        images: ``uint8 (N, 48, 48, C)`` to estimate normalisation on. Take the training part, so that nothing of the
            held-out part leaks.

    Raises:
        ModelError: The architecture is unknown, the file's weights are those of another one, or the recovered network
            gives another label than the bundle on more than a tenth of ``images``.
    """
    facts = bundle.metadata
    if facts.architecture not in MODELS:
        raise ModelError(
            f"model {facts.name}: architecture",
            received=repr(facts.architecture),
            expected=f"one of {', '.join(MODELS)}",
            remedy=_REMEDY,
        )
    chosen = in_channels(images, facts.input.channels)[np.random.default_rng(0).permutation(len(images))[:_MAX_FACES]]
    if is_mirrored(facts.architecture):  # both halves of a normalisation then see the same values
        chosen = np.concatenate([chosen, chosen[:, :, ::-1]])
    model = build(facts.architecture, len(facts.labels), channels=facts.input.channels)
    plain = _set_kernels(model, _read_constants(bundle.flatbuffer), facts.name)
    _normalise(model, plain, chosen)
    answers = np.concatenate([_outputs(model, part) for part in _batches(chosen)])
    agreement = float(np.mean(answers.argmax(axis=1) == Classifier(bundle).logits(chosen).argmax(axis=1)))
    if agreement < MIN_AGREEMENT:
        raise ModelError(
            f"model {facts.name}: weights recovered from it",
            received=f"the same label on {agreement:.0%} of faces",
            expected=f"{MIN_AGREEMENT:.0%} or more",
            remedy=_REMEDY,
        )
    log.info(
        "weights recovered from %s give its label on %.1f %% of %d faces", facts.name, 100 * agreement, len(chosen)
    )
    return model


def in_channels(images: NDArray[np.uint8], channels: int) -> NDArray[np.uint8]:
    """Convert crops ``uint8 (N, 48, 48, C)`` to gray levels (1 channel) or red-green-blue (3 channels)."""
    if images.shape[-1] == channels:
        return images
    if channels == 3:
        return np.repeat(images, 3, axis=-1)
    return np.stack([cv2.cvtColor(face, cv2.COLOR_RGB2GRAY) for face in images])[..., None].astype(np.uint8)


def _read_constants(flatbuffer: bytes) -> _Constants:
    model = schema.ModelT.InitFromPackedBuf(flatbuffer, 0)
    graph = model.subgraphs[0]
    values: dict[int, Array] = {}
    for index, tensor in enumerate(graph.tensors):
        data = model.buffers[tensor.buffer].data
        if data is not None and len(data) and tensor.type in _DTYPES:
            values[index] = _dequantised(tensor, np.frombuffer(bytes(data), _DTYPES[tensor.type]))
    found = _Constants()
    for operator in graph.operators:
        code = model.operatorCodes[operator.opcodeIndex].builtinCode
        constants = [values[index] for index in operator.inputs if index in values]
        if code == _OPERATOR.DEQUANTIZE and constants:
            values[operator.outputs[0]] = constants[0]
        elif code in (_OPERATOR.CONV_2D, _OPERATOR.FULLY_CONNECTED) and constants:
            kernel = np.moveaxis(constants[0], 0, -1)
            found.kernels.append(
                (kernel, constants[1] if len(constants) > 1 else np.zeros(kernel.shape[-1], np.float32))
            )
        elif code == _OPERATOR.MUL and constants:
            if constants[0].size == 1 and not found.kernels:
                found.scaled = True
            else:
                found.factors.append(constants[0].ravel())
        elif code == _OPERATOR.ADD and constants:
            found.offsets.append(constants[0].ravel())
    return found


def _dequantised(tensor: Any, stored: NDArray[Any]) -> Array:
    shaped = stored.reshape(tuple(tensor.shape)).astype(np.float32)
    scales = None if tensor.quantization is None else tensor.quantization.scale
    if scales is None or len(scales) == 0:
        return shaped
    along = [1] * shaped.ndim
    if len(scales) > 1:
        along[tensor.quantization.quantizedDimension] = len(scales)
    zero = np.asarray(tensor.quantization.zeroPoint, np.float32).reshape(along)
    return np.asarray((shaped - zero) * np.asarray(scales, np.float32).reshape(along), np.float32)


@dataclass(frozen=True)
class _AffineNormalisation:
    """A normalisation and the function that it must keep: ``factor * x + offset`` of its input.

    ``source`` is the layer before it, where the converter folded the normalisation into that layer.
    """

    layer: layers.BatchNormalization
    source: Any
    factor: Array
    offset: Array


def _set_kernels(model: keras.Model, found: _Constants, name: str) -> list[_AffineNormalisation]:
    """Give every layer its kernel. Kernels of equal shape are assigned in graph order, the order of computing."""
    normalised = {id(source): layer for layer in model.layers if (source := _folded_into(layer)) is not None}
    waiting, factors, offsets = list(found.kernels), list(found.factors), list(found.offsets)
    plain = []
    first = True
    for layer in model.layers:
        if isinstance(layer, layers.Conv2D | layers.Dense):
            shape = tuple(layer.kernel.shape)
            match = next((index for index, (kernel, _) in enumerate(waiting) if kernel.shape == shape), None)
            if match is None:
                raise _weights_mismatch(name, shape)
            kernel, bias = waiting.pop(match)
            if first and not found.scaled:
                kernel = kernel * _LEVELS
            first = False
            normalisation = normalised.get(id(layer))
            own_bias = bias if normalisation is None else np.zeros_like(bias)
            layer.set_weights([kernel, own_bias] if layer.use_bias else [kernel])
            if normalisation is not None:
                plain.append(_AffineNormalisation(normalisation, layer, np.ones_like(bias), bias))
        elif isinstance(layer, layers.BatchNormalization) and _folded_into(layer) is None:
            if not factors or not offsets or factors[0].shape != tuple(layer.gamma.shape):
                raise _weights_mismatch(name, tuple(layer.gamma.shape))
            plain.append(_AffineNormalisation(layer, None, factors.pop(0), offsets.pop(0)))
    if waiting:
        raise _weights_mismatch(name, waiting[0][0].shape)
    for one in plain:
        one.layer.set_weights(
            [one.factor, one.offset, np.zeros_like(one.factor), np.full_like(one.factor, 1 - one.layer.epsilon)]
        )
    return plain


def _folded_into(layer: Any) -> Any:
    """The layer that a normalisation was folded into: the one before it, unless a nonlinearity is between them."""
    if not isinstance(layer, layers.BatchNormalization):
        return None
    source = layer.input._keras_history.operation
    linear = isinstance(source, layers.Conv2D | layers.Dense) and source.activation is keras.activations.linear
    return source if linear else None


def _normalise(model: keras.Model, plain: Sequence[_AffineNormalisation], images: NDArray[np.uint8]) -> None:
    """Give each normalisation the mean and variance of its input, without changing what the network computes.

    Kernels before a normalisation are scaled to outputs of variance one. Their scale does not matter to the function,
    but it decides how large a step of the optimizer is in comparison.
    """
    if not plain:
        return
    probe = keras.Model(model.input, [one.layer.input for one in plain])
    sums = [np.zeros((2, len(one.factor))) for one in plain]
    counts = [0] * len(plain)
    for part in _batches(images):
        for index, values in enumerate(_as_list(_outputs(probe, part))):
            rows = values.reshape(-1, values.shape[-1]).astype(np.float64)
            sums[index] += rows.sum(axis=0), (rows**2).sum(axis=0)
            counts[index] += len(rows)
    for one, (total, squares), count in zip(plain, sums, counts, strict=True):
        mean = total / count
        deviation = np.sqrt(np.maximum(squares / count - mean**2, 0.0))
        deviation[deviation < 1e-6] = 1.0  # a filter with a constant output
        epsilon = one.layer.epsilon
        unit = np.ones_like(deviation) if one.source is None else deviation
        if one.source is not None:
            kernel, *rest = one.source.get_weights()
            one.source.set_weights([(kernel / deviation).astype(np.float32), *rest])
        spread = deviation / unit
        one.layer.set_weights(
            [
                (one.factor * unit * np.sqrt(spread**2 + epsilon)).astype(np.float32),
                (one.offset + one.factor * mean).astype(np.float32),
                (mean / unit).astype(np.float32),
                (spread**2).astype(np.float32),
            ]
        )


def _outputs(model: keras.Model, images: NDArray[np.uint8]) -> Any:
    return keras.tree.map_structure(np.asarray, model.predict_on_batch(images.astype(np.float32)))


def _as_list(values: Any) -> list[Any]:
    return list(values) if isinstance(values, list | tuple) else [values]


def _batches(images: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    return [images[start : start + _BATCH] for start in range(0, len(images), _BATCH)]


def _weights_mismatch(name: str, shape: tuple[int, ...]) -> ModelError:
    return ModelError(
        f"model {name}: its weights are not those of its architecture",
        received="no match for a layer",
        expected=f"weights of shape {shape}",
        remedy=_REMEDY,
    )
