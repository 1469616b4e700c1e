"""ExpW (Zhang et al. 2018): photographs, and ``label.lst`` with a face's box and class in each line.

A line has the picture, the number of the face in it, the box (top, left, right, bottom), the detector's confidence and
the class, whose numbers are FER2013's.
"""

from __future__ import annotations

from pathlib import Path

from edge_agent.errors import InputError
from edge_agent.model_format.labels import FER2013
from train.data.checks import Faults, OnUnreadable, check_channels
from train.data.dataset import FaceSet
from train.data.listed import Box, Listed, entries_of_lines, is_there, read_listed

LIST_NAME = "label.lst"
"""What the publisher calls the list."""

_FOLDERS = ("../image/origin", "image/origin", "../image", "image", "../origin", "origin", ".")
_LINE = "a picture, a number, top, left, right, bottom, a confidence and a class, as in a.jpg 0 40 30 130 140 50.2 3"


def find_expw(path: Path) -> Path | None:
    """The list at a path: the file itself, or the one in a folder."""
    if path.is_file():
        return path if path.name == LIST_NAME else None
    return next((file for file in (path / LIST_NAME, path / "label" / LIST_NAME) if file.is_file()), None)


def load_expw(list_file: Path, *, channels: int = 1, on_unreadable: OnUnreadable = "error") -> FaceSet:
    """Read the faces of ExpW's list, each cropped to the square around its box.

    Args:
        list_file: The list.
        channels: 1 for gray, 3 for red-green-blue.
        on_unreadable: Whether a broken line or picture is an error or is skipped and listed in ``unreadable``.

    Raises:
        InputError: A line is malformed, or its picture is not there or cannot be read.
    """
    check_channels(channels)
    faults = Faults(on_unreadable)
    folders = [list_file.parent / folder for folder in _FOLDERS]

    def entry_of(number: int, line: str) -> Listed:
        return _entry(f"{list_file}, line {number}", f"{list_file.name}:{number}", line, folders)

    entries = entries_of_lines(list_file, faults, entry_of)
    return read_listed("ExpW", list_file, entries, channels=channels, faults=faults)


def _entry(where: str, origin: str, line: str, folders: list[Path]) -> Listed:
    cells = line.split()
    try:
        name, numbers, label = cells[0], [float(cell) for cell in cells[2:7]], int(cells[7])
        top, left, right, bottom = numbers[:4]
    except (IndexError, ValueError):
        raise InputError(where, received=repr(line[:80]), expected=_LINE) from None
    if not 0 <= label < len(FER2013):
        table = ", ".join(f"{number} {known}" for number, known in enumerate(FER2013))
        raise InputError(where, received=label, expected=f"0 to {len(FER2013) - 1} ({table})")
    picture = next((file for folder in folders if is_there(file := folder / Path(name).name)), None)
    if picture is None:
        raise InputError(where, received=f"{name}, which is not there", expected="its photograph in image/origin/")
    return Listed(picture, FER2013[label], "", origin, Box(left, top, right - left, bottom - top))
