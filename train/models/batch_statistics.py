"""Inference with batch statistics: each batch is normalised by its own mean and variance, as in training."""

from __future__ import annotations

import keras
import numpy as np
from numpy.typing import NDArray


def predict_with_batch_statistics(
    model: keras.Model, images: NDArray[np.uint8], batch_size: int
) -> NDArray[np.float32]:
    """Logits as in training, without dropout; the running statistics become their mean over these batches.

    Args:
        model: Its running statistics are changed.
        images: ``uint8 (N, height, width, C)``, ``N`` at least 1.
        batch_size: Images that are normalised together, or up to twice as many: the rest of an uneven division is
            shared out, since a batch of a few faces would be normalised by chance.

    Returns:
        The logits, ``float32 (N, K)``.
    """
    normalisations = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    momenta = [layer.momentum for layer in normalisations]
    dropouts = [layer for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
    rates = [layer.rate for layer in dropouts]
    for layer in dropouts:
        layer.rate = 0.0
    logits = []
    for done, part in enumerate(np.array_split(images, max(1, len(images) // batch_size))):
        for layer in normalisations:
            layer.momentum = done / (done + 1)
        logits.append(keras.ops.convert_to_numpy(model(part.astype(np.float32), training=True)))
    for layer, momentum in zip(normalisations, momenta, strict=True):
        layer.momentum = momentum
    for layer, rate in zip(dropouts, rates, strict=True):
        layer.rate = rate
    return np.asarray(np.concatenate(logits), np.float32)
