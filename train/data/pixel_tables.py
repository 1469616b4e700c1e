"""Tables of pixels without a column for the parts, one for each part: ``train.csv`` beside ``test.csv``."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from edge_agent.errors import InputError
from train.data.checks import OnUnreadable
from train.data.dataset import FaceSet
from train.data.fer2013 import has_pixels, load_fer2013
from train.data.folders import files_in, label_order, split_named
from train.data.label_map import NO_LABEL_MAP, LabelMap

log = logging.getLogger(__name__)


def find_pixel_tables(path: Path) -> list[Path]:
    """The tables of pixels in a folder that have a class; a line in the log names those without one.

    Raises:
        InputError: There are several, and they are not those of different parts.
    """
    tables = [file for file in files_in(path) if file.suffix.lower() == ".csv" and has_pixels(file)]
    labelled = [table for table in tables if has_pixels(table, with_class=True)]
    for table in tables:
        if table not in labelled:
            log.warning("%s: left out, as its pixels have no class", table)
    parts = [split_named(table.stem) for table in labelled]
    if len(labelled) > 1 and (not all(parts) or len(set(parts)) < len(parts)):
        raise InputError(
            str(path),
            received=f"several tables: {', '.join(table.name for table in labelled[:5])}",
            expected="one, or one for each part such as train.csv and test.csv",
            remedy="Give the table that is to be read",
        )
    return labelled


def load_pixel_tables(
    tables: Sequence[Path],
    name: str,
    *,
    channels: int = 1,
    on_unreadable: OnUnreadable = "error",
    label_map: LabelMap = NO_LABEL_MAP,
) -> FaceSet:
    """Read one table, or several as the parts that their names mean.

    Args:
        tables: What :func:`find_pixel_tables` found.
        name: What to call several tables that are not all FER2013's.
        channels: 1 for gray, 3 for the gray level repeated three times.
        on_unreadable: Whether a broken row is an error or is skipped and listed in ``unreadable``.
        label_map: What the numbers or names of the classes mean.

    Raises:
        InputError: A table is broken, as :func:`train.data.fer2013.load_fer2013` says.
    """
    read = [load_fer2013(one, channels=channels, on_unreadable=on_unreadable, label_map=label_map) for one in tables]
    if len(read) == 1:
        return read[0]
    classes = label_order(label for faces in read for label in faces.classes)
    index = {label: number for number, label in enumerate(classes)}
    for place, (table, faces) in enumerate(zip(tables, read, strict=True)):
        own = np.array([index[label] for label in faces.classes], np.int64)
        usage = faces.usage if any(map(str, faces.usage)) else np.full(len(faces), split_named(table.stem))
        read[place] = replace(faces, labels=own[faces.labels], usage=usage)
    names = {faces.name for faces in read}
    return FaceSet(
        name=names.pop() if len(names) == 1 else name,
        images=np.concatenate([faces.images for faces in read]),
        labels=np.concatenate([faces.labels for faces in read]),
        classes=classes,
        usage=np.concatenate([faces.usage for faces in read]),
        origin=np.concatenate([faces.origin for faces in read]),
        subject=np.concatenate([faces.subject for faces in read]),
        sequence=np.concatenate([faces.sequence for faces in read]),
        unreadable=tuple(reason for faces in read for reason in faces.unreadable),
    )
