"""Every network by name, and what each costs to run."""

from __future__ import annotations

import math
from dataclasses import dataclass

import keras
from keras import layers

from edge_agent.errors import InputError
from edge_agent.model_format.metadata import FACE_SIZE
from train.models.edge import EDGE_MODELS, build_edge
from train.models.paper import PAPER_MODELS, build_paper

MODELS = (*PAPER_MODELS, *EDGE_MODELS)
"""The names ``build`` knows."""


@dataclass(frozen=True)
class Cost:
    """Cost of one face: stored parameters, and multiply-accumulates of convolutions and dense layers."""

    parameters: int
    macs: int


def build(name: str, classes: int, *, channels: int = 1, any_size: bool = False) -> keras.Model:
    """Make an untrained network. It takes raw gray levels or colours, 0 to 255, and gives logits.

    Args:
        name: One of ``MODELS``.
        classes: Number of labels.
        channels: 1 for gray, 3 for red-green-blue.
        any_size: Leave height and width open, for a training that grows its resolution; edge family only.

    Raises:
        InputError: The name is unknown, or the network cannot take any size.
    """
    side = None if any_size else FACE_SIZE
    inputs = keras.Input((side, side, channels), name="face")
    scaled = layers.Rescaling(1 / 255.0)(inputs)
    if name in EDGE_MODELS:
        outputs = build_edge(EDGE_MODELS[name], scaled, classes)
    elif name in PAPER_MODELS:
        if any_size:
            raise InputError(
                f"model {name}",
                received="a size schedule",
                expected="48 pixels throughout",
                remedy="Its dense layer fixes the resolution; use a model of the edge family",
            )
        outputs = build_paper(PAPER_MODELS[name], scaled, classes)
    else:
        raise InputError("model name", received=repr(name), expected=f"one of {', '.join(MODELS)}")
    return keras.Model(inputs, outputs, name=name.replace("-", "_"))


def is_mirrored(name: str) -> bool:
    """Whether a network gives a face and its mirror image the same answer by its design."""
    return name in EDGE_MODELS and EDGE_MODELS[name].mirrored


def describe_cost(model: keras.Model) -> Cost:
    """Count parameters and multiply-accumulates for one face of the device's size."""
    macs = 0
    shape = (1, FACE_SIZE, FACE_SIZE, model.input_shape[-1])
    fixed = model if model.input_shape[1] else keras.models.clone_model(model, keras.Input(shape[1:]))
    for layer in fixed.layers:
        if isinstance(layer, layers.Conv2D | layers.Dense):
            macs += math.prod(layer.output.shape[1:-1]) * math.prod(layer.kernel.shape)
    return Cost(parameters=model.count_params(), macs=macs)
