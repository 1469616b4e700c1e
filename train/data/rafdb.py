"""RAF-DB (Li et al. 2017): its list file of pictures and numbers, and the aligned pictures beside it.

``list_patition_label.txt`` has lines like ``train_00001.jpg 5``; the picture is ``train_00001_aligned.jpg``.
"""

from __future__ import annotations

import re
from pathlib import Path

from edge_agent.errors import InputError
from train.data.checks import Faults, OnUnreadable, check_channels
from train.data.dataset import FaceSet
from train.data.label_map import NUMBERED
from train.data.listed import Listed, entries_of_lines, read_listed

LIST_NAMES = ("list_patition_label.txt", "list_partition_label.txt")
"""What the publisher calls the list, and the same without the slip."""

_LINE = re.compile(r"(?P<file>[^\s/]+\.(?:jpe?g|png))[\s,]+(?P<label>\d{1,9})", re.IGNORECASE | re.ASCII)
_LIST_FOLDERS = (".", "EmoLabel", "basic/EmoLabel")
_PICTURE_FOLDERS = ("aligned", "Image/aligned", "../Image/aligned", "../aligned", ".")
_ORIGINAL = "original"
_ORIGINALS = tuple(f"{folder}{_ORIGINAL}" for folder in ("", "Image/", "../Image/", "../"))


def find_list(path: Path) -> Path | None:
    """The list at a path: the file itself where its first line has the list's form, or the one in a folder."""
    if path.is_file():
        with path.open("rb") as stream:
            first = stream.readline(512).decode("utf-8-sig", "replace")
        return path if _LINE.fullmatch(first.strip()) else None
    named = (path / folder / name for folder in _LIST_FOLDERS for name in LIST_NAMES)
    return next((file for file in named if file.is_file()), None)


def load_rafdb(list_file: Path, *, channels: int = 1, on_unreadable: OnUnreadable = "error") -> FaceSet:
    """Read the pictures of a list, with the publisher's split into training and test.

    Args:
        list_file: The list.
        channels: 1 for gray, 3 for red-green-blue.
        on_unreadable: Whether a broken line or picture is an error or is skipped and listed in ``unreadable``.

    Raises:
        InputError: A line is malformed, its number is none of 1 to 7, its picture is not there or cannot be read.
    """
    check_channels(channels)
    faults = Faults(on_unreadable)
    pictures = _aligned_pictures(list_file)

    def entry_of(number: int, line: str) -> Listed:
        path, label = _entry(f"{list_file}, line {number}", line, pictures)
        return Listed(path, label, "test" if path.name.lower().startswith("test") else "train", path.name)

    entries = entries_of_lines(list_file, faults, entry_of)
    return read_listed("RAF-DB", list_file, entries, channels=channels, faults=faults)


def _aligned_pictures(list_file: Path) -> dict[str, Path]:
    """The aligned pictures by the name that the list has for them, in lower case."""
    folders = [list_file.parent / folder for folder in _PICTURE_FOLDERS]
    for folder in folders:
        found = [file for file in folder.iterdir() if _is_picture(file)] if folder.is_dir() else []
        if found:
            return _by_name(found)
    above = list_file.parent.parent if list_file.parent.name == "EmoLabel" else list_file.parent
    # Copies have the aligned pictures in folders of the parts and classes, such as train/5/.
    anywhere = [file for file in above.rglob("*") if _is_picture(file) and _ORIGINAL not in file.parts]
    if anywhere:
        return _by_name(anywhere)
    originals = next((folder for name in _ORIGINALS if (folder := list_file.parent / name).is_dir()), None)
    raise InputError(
        str(list_file),
        received="no pictures beside it" if originals is None else f"only whole photographs, in {originals}",
        expected="RAF-DB's aligned faces in Image/aligned/",
        remedy="Unpack aligned.zip there",
    )


def _by_name(pictures: list[Path]) -> dict[str, Path]:
    return {file.stem.lower().removesuffix("_aligned"): file for file in sorted(pictures)}


def _entry(where: str, line: str, pictures: dict[str, Path]) -> tuple[Path, str]:
    found = _LINE.fullmatch(line.strip())
    if found is None:
        raise InputError(where, received=repr(line[:60]), expected="a picture and a number, as in train_00001.jpg 5")
    numbers = NUMBERED["rafdb"]
    label = numbers.get(int(found["label"]))
    if label is None:
        table = ", ".join(f"{number} {name}" for number, name in numbers.items())
        raise InputError(where, received=int(found["label"]), expected=f"1 to 7 ({table})")
    name = found["file"]
    path = pictures.get(Path(name).stem.lower().removesuffix("_aligned"))
    if path is None:
        raise InputError(
            where, received=f"{name}, which is not there", expected="its aligned picture", remedy="Unpack aligned.zip"
        )
    return path, label


def _is_picture(file: Path) -> bool:
    return file.suffix.lower() in (".jpg", ".jpeg", ".png") and not file.name.startswith(".")
