"""The finished network of a run, read from its file."""

from __future__ import annotations

import keras

from train.common.keras_file import load_keras_file
from train.fit.run_dir import RunDamaged, RunDir


def load_model(run: RunDir) -> keras.Model:
    """The finished network of a run.

    Raises:
        InputError: The training is unfinished, or the file is of another version of Keras.
        RunDamaged: The file is broken.
    """
    run.check_finished()
    try:
        return load_keras_file(keras, run.model_path)
    except ValueError as error:
        raise RunDamaged(
            f"{run.model_path}: not a Keras model: {error}", remedy="Restore the file or train again"
        ) from None
