"""Face crops in one folder a class: Kaggle's ``train/<class>/`` and ``test/<class>/``, or ``<class>/`` alone.

Class names are free. The pictures must be face crops already; other sizes than 48 x 48 are scaled.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge_agent.errors import InputError
from edge_agent.model_format.labels import CK_PLUS, FER2013
from train.data.checks import Faults, OnUnreadable, check_channels
from train.data.dataset import FaceSet
from train.data.images import looks_like_photograph, read_face_and_size, warn_of_photographs
from train.data.label_map import NO_LABEL_MAP, LabelMap

_SPLIT_WORDS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
    "eval": "test",
    "evaluation": "test",
    "publictest": "validation",
    "privatetest": "test",
}
_SPLIT_NAME = re.compile(
    rf"\d*(?P<word>{'|'.join(_SPLIT_WORDS)})"
    r"((data)?sets?|class(es)?|data|images?|imgs?|pictures|faces|split|part|labels?|annotations?|list)?"
)

_LAYOUT = "train/<class>/ and test/<class>/, or <class>/ alone, with pictures in them"
_KNOWN_ORDERS = (FER2013, CK_PLUS, (*FER2013, "contempt"))
_SYSTEM_FILES = ("thumbs.db", "desktop.ini")
_PICTURES = (".png", ".jpg", ".jpeg")


class NoClassFoldersError(InputError):
    """A folder that should have class folders has none."""


@dataclass(frozen=True)
class ClassTree:
    """The folders with the pictures of each class.

    Attributes:
        root: The folder that has the splits or the classes.
        parts: Folder by class name, by split; a tree without splits has the one split ``""``.
        classes: Canonical class names in label order.
    """

    root: Path
    parts: dict[str, dict[str, Path]]
    classes: tuple[str, ...]

    def classes_within(self, known: tuple[str, ...]) -> bool:
        """Whether there are no splits and no classes but the given ones."""
        return set(self.parts) == {""} and set(self.classes) <= set(known)

    def folders(self) -> Iterator[Path]:
        """Every class folder, of every split."""
        return (folder for folders in self.parts.values() for folder in folders.values())

    def pictures(self) -> Iterator[tuple[str, str, Path]]:
        """``(split, class, file)`` of every picture, in a fixed order."""
        for split, folders in self.parts.items():
            for name in self.classes:
                for file in files_in(folders[name]):
                    yield split, name, file


def find_classes(path: Path, label_map: LabelMap = NO_LABEL_MAP) -> ClassTree:
    """Find the splits and classes of a folder, or of the only folder in it.

    Raises:
        InputError: There are no class folders, one is empty or holds folders, two mean the same class, the splits
            disagree about the classes, or ``label_map`` does not know what a name means.
    """
    root = _skip_wrappers(path)
    below = folders_in(root)
    named_splits = {folder: split_named(folder.name) for folder in below}
    tops = below if any(named_splits.values()) else [root]
    meaning = label_map.read((folder.name for top in tops for folder in folders_in(top)), f"{root}: class folders")
    if not any(named_splits.values()):
        classes = _class_folders(root, meaning)
        return ClassTree(root, {"": classes}, label_order(classes))
    parts: dict[str, dict[str, Path]] = {}
    for folder, split in sorted(named_splits.items(), key=lambda item: (item[1] != "train", item[1], item[0])):
        if not split or split in parts:
            raise InputError(
                str(folder),
                received="a folder beside the splits" if not split else f"a second folder for {split}",
                expected="only train/, validation/ and test/, each once",
                remedy="Move it elsewhere",
            )
        parts[split] = _class_folders(folder, meaning)
    (first, agreed), *others = parts.items()
    for split, classes in others:
        if classes.keys() != agreed.keys():
            differing = [f"without {name}" for name in sorted(agreed.keys() - classes.keys())]
            differing += [f"with {name}" for name in sorted(classes.keys() - agreed.keys())]
            raise InputError(
                str(root),
                received=f"{split}/ {', '.join(differing)}",
                expected=f"the same class folders as in {first}/",
                remedy="Give every split the same classes",
            )
    return ClassTree(root, parts, label_order(agreed))


def load_folders(
    path: Path,
    *,
    channels: int = 1,
    on_unreadable: OnUnreadable = "error",
    label_map: LabelMap = NO_LABEL_MAP,
) -> FaceSet:
    """Read pictures in class folders.

    Args:
        path: The folder, or one that holds nothing but it.
        channels: 1 for gray, 3 for red-green-blue.
        on_unreadable: Whether a broken picture is an error or is skipped and listed in ``unreadable``.
        label_map: What the folders' names mean.

    Raises:
        InputError: The folders are not as :func:`find_classes` expects them, or a picture cannot be read.
    """
    return read_tree(find_classes(path, label_map), channels=channels, faults=Faults(on_unreadable))


def read_tree(tree: ClassTree, *, channels: int, faults: Faults) -> FaceSet:
    """Read the pictures of a tree; the set gets its folder's name.

    Raises:
        InputError: A picture cannot be read and ``faults`` raises, or none can be read.
    """
    check_channels(channels)
    index = {name: label for label, name in enumerate(tree.classes)}
    images, labels, usage, origin = [], [], [], []
    photographs: list[str] = []
    for split, name, file in tree.pictures():
        try:
            face, size = read_face_and_size(file, channels)
        except InputError as fault:
            faults.add(fault)
            continue
        if looks_like_photograph(size):
            photographs.append(f"{file} has {size[1]} x {size[0]}")
        images.append(face)
        labels.append(index[name])
        usage.append(split)
        origin.append(file.relative_to(tree.root).as_posix())
    if not images:
        raise InputError(str(tree.root), received=f"no readable picture ({faults.found[0]})", expected=_LAYOUT)
    warn_of_photographs(photographs, len(images))
    nameless = np.full(len(labels), "")
    return FaceSet(
        name=tree.root.resolve().name,
        images=np.stack(images),
        labels=np.array(labels, np.int64),
        classes=tree.classes,
        usage=np.array(usage),
        origin=np.array(origin),
        subject=nameless,
        sequence=nameless,
        unreadable=faults.found,
    )


def label_order(names: Iterable[str]) -> tuple[str, ...]:
    """Label order for a set of canonical class names: that of a known data set, else alphabetical."""
    found = set(names)
    return next((known for known in _KNOWN_ORDERS if found == set(known)), tuple(sorted(found)))


def split_named(name: str) -> str:
    """The split that the name of a folder, of a list or in a table's cell means, as ``FaceSet.usage`` has it.

    ``Train``, ``valid_set``, ``PublicTest``, ``01_train`` and ``test_labels`` are such names. Any other gives an empty
    text.
    """
    found = _SPLIT_NAME.fullmatch(re.sub(r"[-_. ]+", "", name.lower()))
    return _SPLIT_WORDS[found["word"]] if found else ""


def folders_in(folder: Path) -> list[Path]:
    """The visible folders in a folder, sorted by name."""
    return sorted(entry for entry in _visible(folder) if entry.is_dir())


def files_in(folder: Path) -> list[Path]:
    """The visible files in a folder, sorted by name."""
    return sorted(entry for entry in _visible(folder) if not entry.is_dir())


def _visible(folder: Path) -> Iterator[Path]:
    """The entries of a folder, without hidden ones and operating systems' own files."""
    try:
        entries = list(folder.iterdir())
    except OSError as fault:
        raise InputError(
            str(folder), received=fault.strerror, expected="a folder that can be read", remedy="Check the path"
        ) from fault
    hidden = (".", "__MACOSX")
    return (entry for entry in entries if not entry.name.startswith(hidden) and entry.name.lower() not in _SYSTEM_FILES)


def _skip_wrappers(path: Path) -> Path:
    """Go down through folders that hold nothing but one folder of folders, as unpacked archives have them."""
    below = folders_in(path)
    while len(below) == 1 and folders_in(below[0]) and not split_named(below[0].name):
        path = below[0]
        below = folders_in(path)
    return path


def _class_folders(parent: Path, meaning: dict[str, str]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for folder in folders_in(parent):
        name = meaning[folder.name]
        if name in found:
            raise InputError(
                str(parent),
                received=f"{found[name].name}/ and {folder.name}/, which both mean {name}",
                expected="one folder a class",
                remedy='Merge them, or keep them apart by lines like "happy 1" = "happy 1" in a file for --label-map',
            )
        nested = folders_in(folder)
        if parts := parts_within(folder):
            raise parts
        if nested:
            raise InputError(
                str(nested[0]),
                received="a folder inside a class folder",
                expected=_LAYOUT,
                remedy="Photographs sorted by person become such folders by `python -m train prepare`",
            )
        if not files_in(folder):
            raise InputError(
                str(folder), received="an empty folder", expected="pictures of the class", remedy="Fill or remove it"
            )
        found[name] = folder
    stray = [file for file in files_in(parent) if file.suffix.lower() in _PICTURES]
    if found and stray:
        raise InputError(str(stray[0]), received="a picture outside the class folders", expected=_LAYOUT)
    if not found:
        part = split_named(parent.name)
        received = "pictures without class folders" if part and stray else "no class folders"
        remedy = "Move it elsewhere: pictures without a class teach and measure nothing" if part and stray else ""
        raise NoClassFoldersError(str(parent), received=received, expected=_LAYOUT, remedy=remedy or "Check the path")
    return found


def parts_within(folder: Path) -> InputError | None:
    """The refusal of a class folder that holds ``train`` and ``test``, which would count as two persons."""
    inner = folders_in(folder)
    if len(inner) < 2 or not all(split_named(one.name) for one in inner):
        return None
    return InputError(
        str(folder),
        received=f"the parts {', '.join(one.name for one in inner)} within a class",
        expected=_LAYOUT,
        remedy="Put the folders of the parts above those of the classes",
    )
