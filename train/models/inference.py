"""What a Keras network answers for images, in batches."""

from __future__ import annotations

import keras
import numpy as np
from numpy.typing import NDArray


def predict_logits(model: keras.Model, images: NDArray[np.uint8], batch_size: int = 256) -> NDArray[np.float32]:
    """Logits of a network for ``uint8 (N, 48, 48, C)`` images, ``float32 (N, K)``."""
    if len(images) == 0:
        return np.zeros((0, model.output_shape[-1]), np.float32)
    predicted = model.predict(images.astype(np.float32), batch_size=batch_size, verbose=0)
    return np.asarray(predicted, np.float32)
