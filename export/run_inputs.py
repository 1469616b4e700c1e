"""What an export needs of a finished run: its record, its Keras model, and the faces of its data set."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from export.keras_model import load_keras
from train.data.dataset import FaceSet
from train.data.label_map import NO_LABEL_MAP, LabelMap
from train.fit.run_data import load_data_of
from train.fit.run_dir import RunDir
from train.fit.run_record import RunRecord

HELD_OUT = "validation"
"""The part of a split that temperature and verification use. Calibration uses ``train``, and nothing uses ``test``."""


@dataclass(frozen=True)
class Parts:
    """The parts of a data set that an export may use, by the split its run was trained with."""

    faces: FaceSet
    train: FaceSet
    held_out: FaceSet


def open_run(path: Path) -> tuple[RunRecord, Any]:
    """Read a run's record and its finished Keras model.

    Raises:
        InputError: The run is unfinished or broken.
        ModelError: Keras or TensorFlow is missing.
    """
    run = RunDir(path)
    record = run.record()
    run.check_finished()
    return record, load_keras(run.model_path)


def open_data(path: Path, record: RunRecord, label_map: LabelMap = NO_LABEL_MAP) -> Parts:
    """Read the training and held-out faces of a run's data set; log a warning if the data have changed.

    Raises:
        InputError: The data cannot be read, have other classes than the run, or cannot be split by its protocol.
    """
    faces, split = load_data_of(record, path, label_map)
    return Parts(faces, faces.take(split.train), faces.take(split.validation))
