"""Read a data set of any known kind: tables, lists, CK+48, AffectNet, or class folders."""

from __future__ import annotations

import logging
from pathlib import Path

from edge_agent.errors import InputError
from edge_agent.vision.opencv import check_version
from train.data.affectnet import find_affectnet, load_affectnet
from train.data.checks import Faults, OnUnreadable, check_channels
from train.data.ckplus import is_ckplus, read_ckplus
from train.data.dataset import FaceSet
from train.data.expw import find_expw, load_expw
from train.data.fer2013 import CK_PLUS_TABLE, TABLE_NAMES, load_fer2013
from train.data.ferplus_folders import find_ferplus, load_ferplus
from train.data.folders import ClassTree, NoClassFoldersError, find_classes, folders_in, read_tree
from train.data.label_map import NO_LABEL_MAP, LabelMap, number_of
from train.data.other_layouts import other_file, other_layout, yolo_layout
from train.data.picture_table import belong_together, find_picture_tables, load_picture_tables
from train.data.pixel_tables import find_pixel_tables, load_pixel_tables
from train.data.rafdb import find_list, load_rafdb

log = logging.getLogger(__name__)

_PACKINGS = ("", ".xz", ".gz", ".zip")


def load(
    path: Path,
    *,
    channels: int = 1,
    on_unreadable: OnUnreadable = "error",
    label_map: LabelMap = NO_LABEL_MAP,
) -> FaceSet:
    """Read a data set; its content decides which kind it is.

    Args:
        path: A table like FER2013's (plain, xz, gzip, bzip2, zip or tar), a table of pictures and their classes, the
            list of RAF-DB or ExpW, a folder that holds one of them, the folder of CK+48, AffectNet or FER+, or class
            folders.
        channels: 1 for gray, 3 for red-green-blue.
        on_unreadable: Whether a broken row or picture is an error or is skipped and listed in ``unreadable``.
        label_map: What the names or numbers of the classes mean.

    Raises:
        InputError: There is nothing there, or it is none of these, or it is broken; it names the file and, in a table,
            the row.
        ModelError: OpenCV is one that crops and turns faces otherwise than the device's.
    """
    check_version()
    check_channels(channels)
    if not path.exists():
        raise InputError(
            str(path),
            received="nothing there",
            expected="fer2013.csv, or a folder of class folders",
            remedy="Check the path; the README says where each data set is obtained",
        )
    if other := other_file(path):
        raise other
    listed = find_list(path)
    if listed is not None:
        return load_rafdb(listed, channels=channels, on_unreadable=on_unreadable)
    boxes = find_expw(path)
    if boxes is not None:
        return load_expw(boxes, channels=channels, on_unreadable=on_unreadable)
    if annotated := find_affectnet(path):
        return load_affectnet(annotated, path, channels=channels, on_unreadable=on_unreadable)
    if voted := find_ferplus(path):
        return load_ferplus(voted, path, channels=channels, on_unreadable=on_unreadable)
    if known := _known_table(path):
        return load_fer2013(known, channels=channels, on_unreadable=on_unreadable, label_map=label_map)
    tables = find_picture_tables(path)
    tree = _tree_beside(tables, path, label_map)
    if tables and tree is None:
        root = path if path.is_dir() else path.parent
        return load_picture_tables(tables, root, channels=channels, on_unreadable=on_unreadable, label_map=label_map)
    if tree is None and path.is_file():
        return load_fer2013(path, channels=channels, on_unreadable=on_unreadable, label_map=label_map)
    if tree is None and not folders_in(path) and (with_pixels := find_pixel_tables(path)):
        name = path.resolve().name
        return load_pixel_tables(with_pixels, name, channels=channels, on_unreadable=on_unreadable, label_map=label_map)
    tree = tree or _find_classes(path, label_map)
    read = read_ckplus if is_ckplus(tree) else read_tree
    return read(tree, channels=channels, faults=Faults(on_unreadable))


def published_layout(path: Path) -> str:
    """The name of the data set whose published layout a folder has, where its pictures need no sorting; else empty."""
    layouts = {"RAF-DB": find_list, "ExpW": find_expw, "AffectNet": find_affectnet, "FER+": find_ferplus}
    return next((name for name, find in layouts.items() if find(path)), "")


def _tree_beside(tables: list[Path], path: Path, label_map: LabelMap) -> ClassTree | None:
    """The class folders to read instead of the tables of pictures beside them, where there are two or more.

    Raises:
        InputError: There are no such folders, and several tables that do not belong together.
    """
    if not tables or path.is_file() or (belong_together(tables) and len(folders_in(path)) < 2):
        return None
    names = ", ".join(table.relative_to(path).as_posix() for table in tables[:5])
    try:
        tree = find_classes(path, label_map)
    except InputError:
        tree = None
    # AffectNet's pictures lie in numbered folders that are no classes; in those of RAF-DB the table says the same.
    numbered = tree is not None and all(number_of(folder.name) is not None for folder in tree.folders())
    if tree is not None and len(tree.classes) >= 2 and not (numbered and belong_together(tables)):
        log.warning("%s: the class folders are read, and not %s", path, names)
        return tree
    if not belong_together(tables):
        raise InputError(
            str(path),
            received=f"several tables: {names}",
            expected="one, or one for each part such as train.csv and test.csv",
            remedy="Give the table that is to be read",
        )
    return None


def _find_classes(path: Path, label_map: LabelMap) -> ClassTree:
    """The class folders.

    Raises:
        InputError: There are none, or only one beside something that is not read, which is named.
    """
    if other := yolo_layout(path):
        raise other
    try:
        tree = find_classes(path, label_map)
    except NoClassFoldersError:
        if other := other_layout(path):
            raise other from None
        raise
    if len(tree.classes) < 2 and (other := other_layout(path)):
        raise other
    return tree


def _known_table(path: Path) -> Path | None:
    """The first of the known tables in a folder or in the subfolder of Kaggle's archive."""
    names = (*(name + packing for name in (*TABLE_NAMES, CK_PLUS_TABLE) for packing in _PACKINGS), "fer2013.tar.gz")
    named = (folder / name for folder in (path, path / "fer2013") for name in names)
    return next((file for file in named if file.is_file()), None)
