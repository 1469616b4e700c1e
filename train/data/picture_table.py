"""Tables with a header that name a picture and its class in each row, as many collections on the web come.

Such are the lists beside Kaggle's copies of RAF-DB and AffectNet, AffectNet's own lists, and ``legend.csv`` of small
collections. What the columns are called decides which they are. A column with the part, and columns with the face's
box, are used where they are there.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from edge_agent.errors import InputError
from train.data.affectnet import NO_EXPRESSION, leave_out
from train.data.checks import Faults, OnUnreadable, check_channels
from train.data.dataset import FaceSet
from train.data.folders import SPLIT_FOLDERS
from train.data.label_map import NO_LABEL_MAP, LabelMap
from train.data.listed import PICTURES, Box, Listed, cells_of, is_there, part_of, read_listed

_COLUMNS = {
    "picture": (
        "image",
        "img",
        "imagename",
        "imagepath",
        "imagefile",
        "picture",
        "photo",
        "file",
        "filename",
        "filepath",
        "path",
        "pth",
        "subdirectoryfilepath",
    ),
    "class": ("label", "emotion", "expression", "class", "labels", "emotions", "expressions", "target"),
    "part": ("usage", "split", "set", "part", "subset"),
    "person": ("subject", "person", "personid", "subjectid"),
    "left": ("facex",),
    "top": ("facey",),
    "width": ("facewidth",),
    "height": ("faceheight",),
}
"""What columns are called, in lower case and without what is no letter."""


def is_picture_table(path: Path) -> bool:
    """Whether a file's first line is the header of such a table."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            return _columns(stream.readline(4096)) is not None
    except (OSError, UnicodeDecodeError):
        return False


def load_picture_table(
    path: Path,
    *,
    channels: int = 1,
    on_unreadable: OnUnreadable = "error",
    label_map: LabelMap = NO_LABEL_MAP,
) -> FaceSet:
    """Read the pictures that a table names. They lie beside it, or anywhere below its folder.

    Args:
        path: The table.
        channels: 1 for gray, 3 for red-green-blue.
        on_unreadable: Whether a broken row or picture is an error or is skipped and listed in ``unreadable``.
        label_map: What the names or numbers of the classes mean.

    Raises:
        InputError: The table is broken, a class is not known, or a picture is not there or cannot be read.
    """
    check_channels(channels)
    faults = Faults(on_unreadable)
    rows = _rows(path, faults)
    if label_map.named == "affectnet":
        rows = leave_out(str(path), rows, lambda row: row[1]["class"] in NO_EXPRESSION)
    meaning = label_map.read((row["class"] for _, row in rows), f"{path}: classes")
    finder = _Finder(path.parent)

    def entries() -> Iterator[Listed]:
        for number, row in rows:
            where = f"{path}, row {number}"
            try:
                picture = finder.find(where, row["picture"])
                yield Listed(
                    picture,
                    meaning[row["class"]],
                    _part(where, row.get("part", ""), picture.relative_to(path.parent)),
                    f"{path.name}:{number}",
                    _box(where, row),
                    row.get("person", ""),
                )
            except InputError as fault:
                faults.add(fault)

    return read_listed(path.parent.resolve().name, path, entries(), channels=channels, faults=faults)


def _columns(header: str) -> dict[str, int] | None:
    """The place of each column that means something; None where picture or class lack, or pixels stand in the row."""
    names = [re.sub(r"[^a-z]", "", name.lower()) for name in cells_of(header)]
    if "pixels" in names:
        return None
    found = {
        meaning: min(places, key=lambda place: known.index(names[place]))
        for meaning, known in _COLUMNS.items()
        if (places := [place for place, name in enumerate(names) if name in known])
    }
    return found if {"picture", "class"} <= found.keys() else None


def _rows(path: Path, faults: Faults) -> list[tuple[int, dict[str, str]]]:
    """The meaningful cells of each row, with its number in an editor, the header being row 1."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(str(path), received=str(error), expected="a table in UTF-8") from None
    columns = _columns(lines[0]) if lines else None
    if columns is None:
        raise InputError(str(path), received="no header", expected="columns with picture and class")
    rows = []
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip(" ,"):
            continue
        cells = cells_of(line)
        row = {meaning: cells[place] for meaning, place in columns.items() if place < len(cells)}
        if row.get("picture") and row.get("class"):
            rows.append((number, row))
        else:
            faults.add(InputError(f"{path}, row {number}", received=repr(line[:60]), expected="a picture and a class"))
    return rows


def _part(where: str, cell: str, picture: Path) -> str:
    if not cell:
        return part_of(picture)
    part = SPLIT_FOLDERS.get(cell.lower(), "")
    if not part:
        raise InputError(f"{where}: part", received=repr(cell), expected="train, validation or test")
    return part


def _box(where: str, row: dict[str, str]) -> Box | None:
    cells = [row.get(name, "") for name in ("left", "top", "width", "height")]
    if not all(cells):
        return None
    try:
        return Box(*map(float, cells))
    except ValueError:
        raise InputError(f"{where}: box", received=", ".join(cells), expected="four numbers of pixels") from None


class _Finder:
    """Finds the pictures that a table names, below its folder."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._by_name: dict[str, list[Path]] | None = None

    def find(self, where: str, named: str) -> Path:
        """The picture: by its path from the table's folder, else the only one below it with its name."""
        relative = Path(named.replace("\\", "/"))
        if not relative.is_absolute() and ".." not in relative.parts and is_there(self._root / relative):
            return self._root / relative
        if self._by_name is None:
            self._by_name = defaultdict(list)
            for file in sorted(self._root.rglob("*")):
                if file.suffix.lower() in PICTURES:
                    self._by_name[file.name.lower()].append(file)
        name = relative.name.lower()
        aligned = f"{relative.stem.lower()}_aligned{relative.suffix.lower()}"  # RAF-DB's pictures are called so
        found = self._by_name.get(name) or self._by_name.get(aligned) or []
        if len(found) != 1:
            received = f"{named[:80]}, which is {'there more than once' if found else 'not there'}"
            raise InputError(where, received=received, expected=f"one picture of this name below {self._root}")
        return found[0]
