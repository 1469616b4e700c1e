"""Keras on TensorFlow, whatever backend trained the model: a ``.keras`` file does not depend on the backend."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_agent.errors import InputError, ModelError
from edge_agent.extras import how_to_install
from edge_agent.vision.native_stderr import without_startup_messages
from train.common.keras_file import load_keras_file


def import_keras() -> Any:
    """The ``keras`` module, with TensorFlow as its backend.

    Raises:
        ModelError: Keras or TensorFlow is missing, or Keras was already imported with another backend.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = "tensorflow"
    try:
        with without_startup_messages():
            import keras
            import tensorflow  # noqa: F401
    except ImportError as error:
        raise ModelError(f"export needs Keras and TensorFlow: {error}", remedy=how_to_install("export")) from error
    if keras.backend.backend() != "tensorflow":
        raise ModelError(
            "the Keras backend",
            received=keras.backend.backend(),
            expected="tensorflow",
            remedy="Run the export in a process of its own",
        )
    return keras


def load_keras(path: Path) -> Any:
    """Load a finished network.

    Raises:
        InputError: There is no such file, it is not a Keras model, or it is one of another version of Keras.
        ModelError: Keras or TensorFlow is missing.
    """
    keras = import_keras()
    if not path.is_file():
        raise InputError(f"{path}: no such file", remedy="Finish the training first: `python -m train fit --resume`")
    try:
        with without_startup_messages():
            return load_keras_file(keras, path)
    except ValueError as error:
        raise InputError(f"{path}: not a Keras model: {error}", remedy="Train again, or restore the file") from error


def keras_logits(model: Any, images: NDArray[np.uint8], batch_size: int = 256) -> NDArray[np.float32]:
    """Compute the outputs of a Keras model, ``float32 (N, K)``, for ``uint8 (N, 48, 48, C)``."""
    outputs = np.empty((len(images), model.output_shape[-1]), np.float32)
    for start in range(0, len(images), batch_size):
        part = slice(start, start + batch_size)
        outputs[part] = np.asarray(model(images[part].astype(np.float32), training=False))
    return outputs
