"""Read a data set of any known kind: FER2013's table, CK+48, or pictures in class folders."""

from __future__ import annotations

from pathlib import Path

from edge_agent.errors import InputError
from train.data.checks import OnUnreadable, check_channels
from train.data.ckplus import is_ckplus, load_ckplus
from train.data.dataset import FaceSet
from train.data.fer2013 import TABLE_NAMES, load_fer2013
from train.data.folders import find_classes, load_folders

_PACKINGS = ("", ".xz", ".gz", ".zip")


def load(path: Path, *, channels: int = 1, on_unreadable: OnUnreadable = "error") -> FaceSet:
    """Read a data set; its content decides which kind it is.

    Args:
        path: A FER2013 table (plain, xz, gzip, zip or tar), a folder that holds one, CK+48's folder, or class folders.
        channels: 1 for gray, 3 for red-green-blue.
        on_unreadable: Whether a broken row or picture is an error or is skipped and listed in ``unreadable``.

    Raises:
        InputError: There is nothing there, or it is none of these, or it is broken; it names the file and, in a table,
            the row.
    """
    check_channels(channels)
    if not path.exists():
        raise InputError(
            str(path),
            received="nothing there",
            expected="fer2013.csv, or a folder of class folders",
            remedy="Check the path; the README says where each data set is obtained",
        )
    table = _table(path)
    if table is not None:
        return load_fer2013(table, channels=channels, on_unreadable=on_unreadable)
    loader = load_ckplus if is_ckplus(find_classes(path)) else load_folders
    return loader(path, channels=channels, on_unreadable=on_unreadable)


def _table(path: Path) -> Path | None:
    """The file itself, or the first of FER2013's tables in a folder or in the subfolder of Kaggle's archive."""
    if not path.is_dir():
        return path
    names = (*(name + packing for name in TABLE_NAMES for packing in _PACKINGS), "fer2013.tar.gz")
    named = (folder / name for folder in (path, path / "fer2013") for name in names)
    return next((file for file in named if file.is_file()), None)
