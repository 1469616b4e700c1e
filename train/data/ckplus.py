"""CK+48: CK+ (Lucey et al. 2010) as 48 x 48 crops in class folders, ``anger/S010_004_00000017.png``.

The name holds the person (``S010``), the recording of that person (``004``) and the frame. The crops are the last
frames of each recording, so those of one recording are nearly the same picture.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from edge_agent.errors import InputError
from edge_agent.model_format.labels import CK_PLUS
from train.data.checks import Faults, OnUnreadable
from train.data.dataset import FaceSet
from train.data.folders import ClassTree, files_in, find_classes, read_tree
from train.data.label_map import NO_LABEL_MAP, LabelMap

_NAME = re.compile(r"(?P<subject>S\d+)_(?P<recording>\d+)_(?P<frame>\d+)\.\w+")
_CLASSES = (*CK_PLUS, "neutral")


def is_ckplus(tree: ClassTree) -> bool:
    """Whether folders look like CK+48: no splits, only its classes, and a file name of its form in each."""
    return tree.classes_within(_CLASSES) and all(
        any(_NAME.fullmatch(file.name) for file in files_in(folder)) for folder in tree.parts.get("", {}).values()
    )


def load_ckplus(
    path: Path,
    *,
    channels: int = 1,
    on_unreadable: OnUnreadable = "error",
    label_map: LabelMap = NO_LABEL_MAP,
) -> FaceSet:
    """Read CK+48, with subject and sequence of every image.

    Args:
        path: The folder with the class folders, or one that holds nothing but it.
        channels: 1 for gray, 3 for red-green-blue.
        on_unreadable: Whether a broken or misnamed picture is an error or is skipped and listed in ``unreadable``.
        label_map: What the folders' names mean.

    Raises:
        InputError: The folders are not CK+'s classes, a file's name does not name its subject, or it cannot be read.
    """
    return read_ckplus(find_classes(path, label_map), channels=channels, faults=Faults(on_unreadable))


def read_ckplus(tree: ClassTree, *, channels: int, faults: Faults) -> FaceSet:
    """Read the pictures of a tree as CK+48's.

    Raises:
        InputError: As for :func:`load_ckplus`.
    """
    if not tree.classes_within(_CLASSES):
        raise InputError(
            str(tree.root),
            received=f"the folders {', '.join([*filter(None, tree.parts), *tree.classes])}",
            expected=f"CK+'s classes: {', '.join(CK_PLUS)}",
            remedy="Read it as plain class folders",
        )
    faces = read_tree(tree, channels=channels, faults=faults)
    names = [_NAME.fullmatch(origin.rpartition("/")[2]) for origin in faces.origin]
    for origin, name in zip(faces.origin, names, strict=True):
        if name is None:
            faults.add(_misnamed(tree.root / str(origin)))
    known = np.flatnonzero([name is not None for name in names]).astype(np.int64)
    if not known.size:
        raise _misnamed(tree.root / str(faces.origin[0]))
    found = [name for name in names if name is not None]
    order = tuple(label for label in _CLASSES if label in faces.classes)
    renumbered = np.array([order.index(label) for label in faces.classes], np.int64)
    kept = faces.take(known)
    return replace(
        kept,
        name="CK+48",
        labels=renumbered[kept.labels],
        classes=order,
        subject=np.array([name["subject"] for name in found]),
        sequence=np.array([f"{name['subject']}_{name['recording']}" for name in found]),
        unreadable=faults.found,
    )


def _misnamed(file: Path) -> InputError:
    return InputError(
        str(file),
        received="a name that does not say who is shown",
        expected="one like S010_004_00000017.png: subject, recording, frame",
        remedy="Restore its name or remove it",
    )
