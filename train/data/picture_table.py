"""Tables with a header that name a picture and its class in each row, as many collections on the web come.

Such are the lists beside Kaggle's copies of RAF-DB and AffectNet, AffectNet's own lists, and ``legend.csv`` of small
collections. What the columns are called decides which they are. A column with the part, and columns with the face's
box, are used where they are there. Instead of one column with the class, each class may have a column with 0 or 1.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_agent.errors import InputError
from edge_agent.model_format.labels import KNOWN_SPELLINGS
from train.data.affectnet import NO_EXPRESSION, leave_out
from train.data.checks import Faults, OnUnreadable, check_channels
from train.data.dataset import FaceSet
from train.data.folders import files_in, folders_in, split_named
from train.data.label_map import NO_LABEL_MAP, LabelMap, number_of
from train.data.listed import PICTURES, Box, Listed, cells_of, is_there, part_of, read_listed

_COLUMNS = {
    "picture": (
        "image",
        "img",
        "imagename",
        "imgname",
        "imagepath",
        "imgpath",
        "imagefile",
        "imgfile",
        "imagefilename",
        "imageid",
        "imgid",
        "picture",
        "picturename",
        "photo",
        "photoname",
        "file",
        "filename",
        "filepath",
        "path",
        "pth",
        "subdirectoryfilepath",
        "images",
        "files",
        "filenames",
        "filepaths",
        "paths",
        "face",
        "name",
        "id",
    ),
    "class": (
        "label",
        "emotion",
        "expression",
        "class",
        "labels",
        "emotions",
        "expressions",
        "target",
        "category",
        "exp",
        "expr",
        "facialexpression",
        "labelname",
        "classname",
        "emotionname",
        "expressionname",
        "emotionlabel",
        "expressionlabel",
        "classlabel",
        "labelid",
        "classid",
        "emotionid",
        "expressionid",
        "emotionclass",
        "expressionclass",
    ),
    "part": ("usage", "split", "set", "part", "subset", "partition", "phase"),
    "person": ("subject", "person", "personid", "subjectid"),
    "left": ("facex",),
    "top": ("facey",),
    "width": ("facewidth",),
    "height": ("faceheight",),
}
"""What columns are called, in lower case and without what is no letter; a name that stands earlier is preferred."""

_DELIMITERS = ",;\t|"
_TABLES = (".csv", ".tsv")
_ENCODINGS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
"""What spreadsheets write other than UTF-8, by its first bytes."""


@dataclass(frozen=True)
class _Header:
    """The columns of a table.

    Attributes:
        delimiter: What is between cells.
        places: The place of each column that means something.
        classes: The name of each column that stands for a class, by its place, where no column names the class.
    """

    delimiter: str
    places: dict[str, int]
    classes: dict[int, str]


def is_picture_table(path: Path) -> bool:
    """Whether a file's first line is the header of such a table."""
    try:
        with path.open(encoding=_encoding(path), newline="") as stream:
            return _header(stream.readline(4096)) is not None
    except (OSError, UnicodeError):
        return False


def find_picture_tables(path: Path) -> list[Path]:
    """The tables at a path: the file itself, those in a folder, or else those in the folders in it."""
    if not path.is_dir():
        return [path] if is_picture_table(path) else []
    return _tables_in(path) or [table for folder in folders_in(path) for table in _tables_in(folder)]


def belong_together(tables: Sequence[Path]) -> bool:
    """Whether it is one table, or several of which each is that of another part: ``train.csv``, ``val.csv``."""
    parts = [_part_of_table(table) for table in tables]
    return len(tables) == 1 or (all(parts) and len(set(parts)) == len(parts))


def load_picture_tables(
    tables: Sequence[Path],
    root: Path,
    *,
    channels: int = 1,
    on_unreadable: OnUnreadable = "error",
    label_map: LabelMap = NO_LABEL_MAP,
) -> FaceSet:
    """Read the pictures that tables name. They lie anywhere below a folder.

    Args:
        tables: One table, or one for each part.
        root: The folder.
        channels: 1 for gray, 3 for red-green-blue.
        on_unreadable: Whether a broken row or picture is an error or is skipped and listed in ``unreadable``.
        label_map: What the names or numbers of the classes mean.

    Raises:
        InputError: A table is broken, a class is not known, or a picture is not there or cannot be read.
    """
    check_channels(channels)
    faults = Faults(on_unreadable)
    rows = [(table, number, row) for table in tables for number, row in _rows(table, faults)]
    where = str(tables[0] if len(tables) == 1 else root)
    if label_map.named == "affectnet":
        rows = leave_out(where, rows, lambda one: number_of(one[2]["class"]) in NO_EXPRESSION)
    meaning = label_map.read((row["class"] for _, _, row in rows), f"{where}: classes")
    finder = _Finder(root)

    def entries() -> Iterator[Listed]:
        for table, number, row in rows:
            place = f"{table}, row {number}"
            try:
                picture = finder.find(place, row["picture"])
                part = _part(place, row.get("part", "")) or (_part_of_table(table) if len(tables) > 1 else "")
                yield Listed(
                    picture,
                    meaning[row["class"]],
                    part or part_of(picture.relative_to(root)),
                    f"{table.relative_to(root).as_posix()}:{number}",
                    _box(place, row),
                    row.get("person", ""),
                )
            except InputError as fault:
                faults.add(fault)

    return read_listed(root.resolve().name, Path(where), entries(), channels=channels, faults=faults)


def _tables_in(folder: Path) -> list[Path]:
    return [file for file in files_in(folder) if file.suffix.lower() in _TABLES and is_picture_table(file)]


def _part_of_table(table: Path) -> str:
    """The part that a table's name means, or that of its folder."""
    return split_named(table.stem) or split_named(table.parent.name)


def _encoding(path: Path) -> str:
    with path.open("rb") as stream:
        return _ENCODINGS.get(stream.read(2), "utf-8-sig")


def _header(line: str) -> _Header | None:
    """The columns; None where the picture or the class lacks, or pixels stand in the row."""
    return next(filter(None, (_columns(line, delimiter) for delimiter in _DELIMITERS)), None)


def _columns(line: str, delimiter: str) -> _Header | None:
    cells = cells_of(line, delimiter)
    names = [re.sub(r"[^a-z]", "", cell.lower()) for cell in cells]
    if "pixels" in names:
        return None
    found = {
        meaning: min(places, key=lambda place: known.index(names[place]))
        for meaning, known in _COLUMNS.items()
        if (places := [place for place, name in enumerate(names) if name in known])
    }
    if {"picture", "class"} <= found.keys():
        return _Header(delimiter, found, {})
    if "nf" in names:  # FER+'s votes, which have numbers of annotators there
        return None
    classes = {place: cells[place] for place, name in enumerate(names) if name in KNOWN_SPELLINGS}
    return _Header(delimiter, found, classes) if "picture" in found and len(classes) >= 2 else None


def _rows(path: Path, faults: Faults) -> list[tuple[int, dict[str, str]]]:
    """The meaningful cells of each row, with its number in an editor, the header being row 1."""
    try:
        lines = path.read_text(encoding=_encoding(path)).splitlines()
    except (OSError, UnicodeError) as error:
        raise InputError(
            str(path), received=str(error), expected="a table in UTF-8", remedy="Save it as CSV in UTF-8"
        ) from None
    header = _header(lines[0]) if lines else None
    if header is None:
        raise InputError(str(path), received="no header", expected="columns with picture and class")
    rows = []
    for number, line in enumerate(lines[1:], start=2):
        if not line.strip(" " + _DELIMITERS):
            continue
        cells = cells_of(line, header.delimiter)
        row = {meaning: cells[place] for meaning, place in header.places.items() if place < len(cells)}
        if header.classes:
            row["class"] = _marked(cells, header.classes)
        if row.get("picture") and row.get("class"):
            rows.append((number, row))
        else:
            faults.add(InputError(f"{path}, row {number}", received=repr(line[:60]), expected="a picture and a class"))
    return rows


def _marked(cells: list[str], classes: dict[int, str]) -> str:
    """The class whose column has a 1; empty where none or several have one, or one has anything else but 0."""
    marks = {name: cells[place] if place < len(cells) else "" for place, name in classes.items()}
    marked = [name for name, mark in marks.items() if mark in ("1", "1.0")]
    others = [mark for mark in marks.values() if mark not in ("1", "1.0", "0", "0.0", "")]
    return marked[0] if len(marked) == 1 and not others else ""


def _part(where: str, cell: str) -> str:
    part = split_named(cell)
    if cell and not part:
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
        """The picture: by its path from the folder, else the one below it whose path ends most like the named one.

        So paths of another machine are found too, also where several folders have pictures of the same name.
        """
        relative = Path(named.replace("\\", "/"))
        if not relative.is_absolute() and ".." not in relative.parts and is_there(self._root / relative):
            return self._root / relative
        if self._by_name is None:
            self._by_name = defaultdict(list)
            for file in sorted(self._root.rglob("*")):
                if file.suffix.lower() in PICTURES:
                    self._by_name[file.name.lower()].append(file)
        found = next((files for name in _file_names(relative) if (files := self._by_name.get(name))), [])
        if len(found) > 1:
            ends = {file: _shared_end(file.relative_to(self._root), relative) for file in found}
            found = [file for file in found if ends[file] == max(ends.values())]
        if len(found) != 1:
            received = f"{named[:80]}, which is {'there more than once' if found else 'not there'}"
            raise InputError(
                where,
                received=received,
                expected=f"one picture of this name below {self._root}",
                remedy="" if found else "Give the folder in which both the table and the pictures lie",
            )
        return found[0]


def _file_names(named: Path) -> Iterator[str]:
    """What a picture's file may be called, in lower case: as it is named, without its ending, or as RAF-DB's are."""
    name, stem, end = named.name.lower(), named.stem.lower(), named.suffix.lower()
    yield name
    if end in PICTURES:
        yield f"{stem}_aligned{end}"
    else:
        yield from (f"{name}{ending}" for ending in PICTURES)


def _shared_end(file: Path, named: Path) -> int:
    """How many folders above a picture are called the same in both paths."""
    both = list(zip(reversed(file.parts[:-1]), reversed(named.parts[:-1]), strict=False))
    return next((count for count, (one, other) in enumerate(both) if one.lower() != other.lower()), len(both))
