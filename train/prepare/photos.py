"""Photographs in class folders, before faces are cropped: ``happy/1.jpg``, ``happy/anna/1.jpg``."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from edge_agent.errors import InputError
from edge_agent.model_format.labels import LABELS_WANTED, are_usable
from train.data.folders import files_in, folders_in, parts_within, split_named
from train.data.label_map import NO_LABEL_MAP, LabelMap

_LAYOUT = "<class>/ or <class>/<person>/, or these within train/, validation/ and test/"


@dataclass(frozen=True)
class Photo:
    """One file that should be a photograph.

    Attributes:
        path: Its path.
        label: Canonical class name.
        person: The person shown; empty where unknown.
        part: ``train``, ``validation`` or ``test`` where the owner has split the photographs, else empty.
    """

    path: Path
    label: str
    person: str
    part: str


def find_photos(root: Path, person: str = "", label_map: LabelMap = NO_LABEL_MAP) -> list[Photo]:
    """List all files in the class folders of a folder, those of the training part first, otherwise in a fixed order.

    Args:
        root: The folder.
        person: A regular expression that finds a person in a file's name, by its first group where it has one. Without
            it, a folder within a class folder is a person's.
        label_map: What the folders' names mean.

    Raises:
        InputError: There is no such folder, it has no usable classes, a class is empty, a part lacks class folders, or
            the regular expression is invalid.
    """
    try:
        pattern = re.compile(person) if person else None
    except re.error as error:
        raise InputError("--person", received=repr(person), expected=f"a regular expression: {error}") from None
    if not root.is_dir():
        raise InputError(str(root), received="no folder", expected=f"a folder with {_LAYOUT}", remedy="Check the path")
    below = folders_in(root)
    named = {folder: split_named(folder.name) for folder in below}
    if any(named.values()) and not all(named.values()):
        beside = next(folder for folder, part in named.items() if not part)
        raise InputError(
            str(beside), received="a folder beside train/ or test/", expected=_LAYOUT, remedy="Move it elsewhere"
        )
    tops = sorted(named.items(), key=lambda item: item[1] != "train") if any(named.values()) else [(root, "")]
    for top, _ in tops:
        for folder in folders_in(top):
            if not _files_below(folder):
                raise InputError(
                    str(folder),
                    received="an empty folder",
                    expected="photographs of the class",
                    remedy="Fill or remove it",
                )
            if parts := parts_within(folder):
                raise parts
    meaning = label_map.read((folder.name for top, _ in tops for folder in folders_in(top)), f"{root}: class folders")
    photos = [
        Photo(file, meaning[folder.name], _person(file, folder, pattern), part)
        for top, part in tops
        for folder in folders_in(top)
        for file in _files_below(folder)
    ]
    labels = sorted(set(meaning.values()))
    if not are_usable(labels):
        raise InputError(
            f"{root}: class folders",
            received=", ".join(labels) or "none",
            expected=LABELS_WANTED,
            remedy=f"Sort the photographs into {_LAYOUT}",
        )
    return photos


def files_without_class(root: Path) -> list[Path]:
    """The files beside the class folders, or beside the parts, that :func:`find_photos` passes over."""
    parts = [folder for folder in folders_in(root) if split_named(folder.name)]
    return [file for folder in (root, *parts) for file in files_in(folder)]


def _files_below(folder: Path) -> list[Path]:
    return [*files_in(folder), *(file for below in folders_in(folder) for file in _files_below(below))]


def _person(file: Path, folder: Path, pattern: re.Pattern[str] | None) -> str:
    """A person's name, normalised in Unicode form, case and surrounding spaces.

    Otherwise one person could count as two, and be in the training part and in another one.
    """
    if pattern is not None:
        found = pattern.search(file.name)
        name = "" if found is None else (found[1] or "") if pattern.groups else found[0]
    else:
        within = file.relative_to(folder).parts
        name = within[0] if len(within) > 1 else ""
    return unicodedata.normalize("NFKC", name).strip().casefold()
