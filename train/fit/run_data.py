"""The data of a run, loaded again after the training."""

from __future__ import annotations

import logging
from pathlib import Path

from edge_agent.errors import InputError
from train.data import load
from train.data.dataset import FaceSet, Split
from train.data.label_map import NO_LABEL_MAP, LabelMap
from train.data.splits import make_split
from train.fit.run_record import RunRecord

log = logging.getLogger(__name__)


def load_data_of(record: RunRecord, path: Path, label_map: LabelMap = NO_LABEL_MAP) -> tuple[FaceSet, Split]:
    """Load a run's data set, and split it as the training did. Logs a warning where the data have changed.

    Args:
        record: The run's.
        path: The data set.
        label_map: What the data's class names mean.

    Raises:
        InputError: The data cannot be read, have other classes than the run, or cannot be split by its protocol.
    """
    faces = load(path, channels=record.recipe.channels, label_map=label_map)
    if faces.classes != record.classes:
        raise InputError(
            f"{path}: classes",
            received=", ".join(faces.classes),
            expected=", ".join(record.classes),
            remedy="Give data of the kind the run was trained on",
        )
    warn_of_other_data(path, faces, "the run", record.fingerprint)
    return faces, make_split(faces, record.protocol)


def warn_of_other_data(path: Path, faces: FaceSet, model: str, fingerprint: str) -> None:
    """Log a line where data are not the very ones that a model was trained on.

    They are not refused: Kaggle's full table differs from one without PrivateTest, and a test part needs just that one.

    Args:
        path: The data set.
        faces: What was read from it.
        model: What was trained, for the message.
        fingerprint: Of the data that it was trained on.
    """
    if (found := faces.fingerprint()) != fingerprint:
        log.warning(
            "%s is not the very data %s was trained on (fingerprint %s instead of %s): unless its split is the "
            "publisher's own, held-out faces may have been used in training",
            path,
            model,
            found[:12],
            fingerprint[:12],
        )
