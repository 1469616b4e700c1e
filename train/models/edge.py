"""The edge family: small residual networks (He et al. 2016) of dense 3x3 convolutions.

Dense rather than depthwise: on the device's int8 kernels a dense 3x3 runs more multiply-accumulates a second and its
weights quantize with less loss. A stride-2 stem keeps most of the work at 24x24 pixels and below.
"""

from __future__ import annotations

from dataclasses import dataclass

import keras
from keras import layers

from train.models.mirror import EqualHalves, MirroredKernel


@dataclass(frozen=True)
class EdgeModel:
    """One member of the family.

    Attributes:
        widths: Filters of each stage; every stage after the first halves the resolution.
        blocks: Residual blocks in each stage.
        dropout: Share of the pooled features dropped in training.
        stem: Filters of the stride-2 stem; the first width where None.
        mirrored: Whether a face and its mirror image get the same answer (:mod:`train.models.mirror`).
    """

    widths: tuple[int, ...]
    blocks: tuple[int, ...]
    dropout: float = 0.3
    stem: int | None = None
    mirrored: bool = False


EDGE_MODELS = {
    "edge": EdgeModel((32, 64, 128, 256), (1, 1, 1, 1)),
    "edge-tiny": EdgeModel((16, 40, 64, 96), (1, 1, 1, 1), dropout=0.1),
    "edge-teacher": EdgeModel((56, 112, 224, 448), (1, 1, 1, 1), dropout=0.4),
    "edge-mirror": EdgeModel((32, 80, 128, 192), (1, 1, 1, 1), mirrored=True),
    "testing": EdgeModel((4, 8), (1, 1), dropout=0.0),
    "testing-mirror": EdgeModel((8, 16), (1, 1), dropout=0.0, mirrored=True),
}


def build_edge(model: EdgeModel, inputs: keras.KerasTensor, classes: int) -> keras.KerasTensor:
    """Logits of a member of the family over ``inputs`` (gray levels scaled to 0..1), of any resolution."""
    stem = _convolution(model, model.stem or model.widths[0], 3, 2, reads_picture=True)
    x = _normalised(model, stem(inputs), activate=True)
    for stage, (width, blocks) in enumerate(zip(model.widths, model.blocks, strict=True)):
        for block in range(blocks):
            x = _residual(model, x, width, stride=2 if stage > 0 and block == 0 else 1)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(model.dropout)(x)
    return layers.Dense(classes, dtype="float32", name="logits", kernel_constraint=_equal_halves(model))(x)


def _residual(model: EdgeModel, x: keras.KerasTensor, width: int, stride: int) -> keras.KerasTensor:
    path = _normalised(model, _convolution(model, width, 3, stride)(x), activate=True)
    path = _normalised(model, _convolution(model, width, 3, 1)(path), activate=False)
    if stride != 1 or x.shape[-1] != width:
        x = _normalised(model, _convolution(model, width, 1, stride)(x), activate=False)
    return layers.ReLU()(layers.Add()([x, path]))


def _convolution(
    model: EdgeModel, filters: int, side: int, stride: int, *, reads_picture: bool = False
) -> layers.Conv2D:
    height = width = side
    if model.mirrored and stride == 2:
        # Never 1 high: LiteRT 2.1 computes such kernels wrongly (findings/litert_stride_flat_kernel.sh).
        height, width = max(side, 2), side + 1
    return layers.Conv2D(
        filters,
        (height, width),
        stride,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
        kernel_constraint=MirroredKernel(halves_in=not reads_picture) if model.mirrored else None,
    )


def _normalised(model: EdgeModel, x: keras.KerasTensor, *, activate: bool) -> keras.KerasTensor:
    held = _equal_halves(model)
    x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5, gamma_constraint=held, beta_constraint=held)(x)
    return layers.ReLU()(x) if activate else x


def _equal_halves(model: EdgeModel) -> EqualHalves | None:
    return EqualHalves() if model.mirrored else None
