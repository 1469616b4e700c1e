"""The eight networks of Kusno & Chowanda, CommIT Journal 18(2), 2024, from one table.

Layer order is the paper's Table VI: convolution 3x3 valid with ReLU, a second one, pooling, dropout, then a convolution
and pooling for each further filter count, dropout, flatten, dense 1024 with ReLU, batch normalisation, dropout, output.
The paper does not give the dropout rates; 0.25 after convolutions and 0.5 before the output are the customary ones and
are chosen here. Its Table III lists three dropouts for the convolutions where Table VI shows two; Table VI is
followed.
"""

from __future__ import annotations

from dataclasses import dataclass

import keras
from keras import layers


@dataclass(frozen=True)
class PaperModel:
    """One row of the paper's model tables.

    Attributes:
        filters: Filters of each convolution in order.
        batch_norm: Whether batch normalisation follows the dense layer.
        parameters: Total parameter count as the paper prints it, for seven classes and one channel; None where it
            prints none. The paper's text exchanges the counts of models 3 and 4; here each stands with its own.
    """

    filters: tuple[int, ...]
    batch_norm: bool = True
    parameters: int | None = None


PAPER_MODELS = {
    "paper-1": PaperModel((32, 64, 128, 256, 512)),
    "paper-2": PaperModel((32, 64, 128, 256), parameters=4_594_439),
    "paper-3": PaperModel((64, 64, 128, 128), parameters=2_368_455),
    "paper-4": PaperModel((64, 32, 64, 32), parameters=592_647),
    "paper-5": PaperModel((32, 64, 32, 64)),
    "paper-6": PaperModel((32, 64, 128, 128), parameters=2_349_703),
    "paper-7": PaperModel((32, 64, 128, 256), batch_norm=False),
    "paper-8": PaperModel((32, 32, 64, 64)),
}

CONVOLUTION_DROPOUT = 0.25
DENSE_DROPOUT = 0.5


def build_paper(model: PaperModel, inputs: keras.KerasTensor, classes: int) -> keras.KerasTensor:
    """Logits of one of the paper's networks over ``inputs`` (gray levels scaled to 0..1)."""
    first, second, *rest = model.filters
    x = layers.Conv2D(first, 3, activation="relu")(inputs)
    x = layers.Conv2D(second, 3, activation="relu")(x)
    x = layers.MaxPooling2D(2)(x)
    x = layers.Dropout(CONVOLUTION_DROPOUT)(x)
    for filters in rest:
        x = layers.Conv2D(filters, 3, activation="relu")(x)
        x = layers.MaxPooling2D(2)(x)
    x = layers.Dropout(CONVOLUTION_DROPOUT)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(1024, activation="relu")(x)
    if model.batch_norm:
        x = layers.BatchNormalization()(x)
    x = layers.Dropout(DENSE_DROPOUT)(x)
    return layers.Dense(classes, dtype="float32", name="logits")(x)
