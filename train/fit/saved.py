"""The finished network of a run, read from its file."""

from __future__ import annotations

import zipfile

import keras

from train.fit.run_dir import RunDamaged, RunDir


def load_model(run: RunDir) -> keras.Model:
    """The finished network of a run.

    Raises:
        InputError: The training is unfinished.
        RunDamaged: The file is broken.
    """
    run.check_finished()
    try:
        return keras.models.load_model(run.model_path, compile=False)
    except (ValueError, OSError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise RunDamaged(
            f"{run.model_path}: not a Keras model: {error}", remedy="Restore the file or train again"
        ) from None
