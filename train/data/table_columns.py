"""The columns of a table that names pictures: which of them has the picture, its class, its part and the face's box."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from edge_agent.model_format.labels import KNOWN_SPELLINGS
from train.data.folders import split_named
from train.data.listed import PICTURES, Box, cells_of

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
        "choice",
    ),
    "part": ("usage", "split", "set", "part", "subset", "partition", "phase"),
    "person": ("subject", "person", "personid", "subjectid"),
}
"""What columns are called, in lower case and without what is no letter; a name that stands earlier is preferred."""

_BOX_OF = ("", "face", "facebox", "facebbox", "box", "bbox", "boundingbox")
"""What stands before the sides in the names of the columns with the face's box."""

_BOX_CORNERS = (
    ("xmin", "ymin", "xmax", "ymax"),
    ("minx", "miny", "maxx", "maxy"),
    ("x0", "y0", "x1", "y1"),
    ("x1", "y1", "x2", "y2"),
    ("left", "top", "right", "bottom"),
)
_BOX_SIZES = (
    ("x", "y", "width", "height"),
    ("x", "y", "w", "h"),
    ("left", "top", "width", "height"),
    ("xmin", "ymin", "width", "height"),
)
"""What its columns are called then: left, top, and either right and bottom or width and height."""

_ROBOFLOW_CLASSES = "_classes.csv"
"""What Roboflow calls a table in which each column but that of the picture is a class, whatever it is called."""

TABLES = (".csv", ".tsv")
"""Ends of the names of tables, in lower case."""

DELIMITERS = ",;\t|"
_ENCODINGS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
"""What spreadsheets write other than UTF-8, by its first bytes."""


@dataclass(frozen=True)
class Columns:
    """The columns of a table that mean something.

    Attributes:
        delimiter: What is between cells.
        count: How many columns there are.
        places: The place of each column by what it has: ``picture``, ``class``, ``part``, ``person``.
        classes: The name of each column that stands for a class, by its place, where no column names the class.
        box: The name of each of the four columns with the face's box, by its place; empty without a box.
        box_has_corners: Whether they are left, top, right and bottom instead of left, top, width and height.
        in_header: Whether the table has a header; else they are those of another part's table.
    """

    delimiter: str
    count: int
    places: Mapping[str, int]
    classes: Mapping[int, str] = field(default_factory=dict)
    box: Mapping[int, str] = field(default_factory=dict)
    box_has_corners: bool = False
    in_header: bool = True

    def cells(self, line: str) -> dict[str, str]:
        """The cells of a row by what they mean, those that it has."""
        cells = cells_of(line, self.delimiter)
        row = {meaning: cells[place] for meaning, place in self.places.items() if place < len(cells)}
        if self.classes:
            row["class"] = self._marked(cells)
        return row

    def box_in(self, line: str) -> Box | None:
        """The face's box in a row; None without one.

        Raises:
            ValueError: It is not four numbers.
        """
        cells = cells_of(line, self.delimiter)
        found = [cells[place] for place in self.box if place < len(cells)]
        if not any(found):
            return None
        left, top, third, fourth = map(float, found)
        return Box(left, top, third - left, fourth - top) if self.box_has_corners else Box(left, top, third, fourth)

    def _marked(self, cells: list[str]) -> str:
        """The class whose column has a 1; empty where none or several have one, or one has anything else but 0."""
        marks = {name: cells[place] if place < len(cells) else "" for place, name in self.classes.items()}
        marked = [name for name, mark in marks.items() if mark in ("1", "1.0")]
        others = [mark for mark in marks.values() if mark not in ("1", "1.0", "0", "0.0", "")]
        return marked[0] if len(marked) == 1 and not others else ""


def place_of(meaning: str, cells: Sequence[str]) -> int | None:
    """The place of the column of a header that has the ``picture``, the ``class``, the ``part`` or the ``person``."""
    known, names = _COLUMNS[meaning], [re.sub(r"[^a-z]", "", cell.lower()) for cell in cells]
    found = [place for place, name in enumerate(names) if name in known]
    return min(found, key=lambda place: known.index(names[place]), default=None)


def encoding_of(table: Path) -> str:
    """The encoding of a table, as far as its first bytes say."""
    with table.open("rb") as stream:
        return _ENCODINGS.get(stream.read(2), "utf-8-sig")


def is_content(line: str) -> bool:
    """Whether a line is one of the table. Spreadsheets write ``sep=;`` above it."""
    return bool(line.strip()) and not re.fullmatch(r"sep=.", line.strip(), re.IGNORECASE)


def first_line(table: Path) -> str:
    """The beginning of a table's first line of content; empty where it cannot be read."""
    try:
        with table.open(encoding=encoding_of(table), errors="replace", newline="") as stream:
            return next((line for _ in range(3) if is_content(line := stream.readline(4096))), "").rstrip("\r\n")
    except (OSError, UnicodeError):
        return ""


def columns_of(table: Path) -> Columns | None:
    """The columns of a table by its header; None where the picture or the class lacks, or pixels stand in the row."""
    line, are_classes = first_line(table), table.name.lower() == _ROBOFLOW_CLASSES
    return next(filter(None, (_columns(line, delimiter, are_classes) for delimiter in DELIMITERS)), None)


def columns_as(other: Columns, table: Path) -> Columns | None:
    """Another part's columns, where a table has no header and as many columns, with a picture in the same place.

    AffectNet's list of its validation part is published without a header.
    """
    cells = cells_of(first_line(table), other.delimiter)
    names_picture = len(cells) == other.count and cells[other.places["picture"]].lower().endswith(PICTURES)
    if not names_picture or not split_named(table.stem):
        return None
    return replace(other, in_header=False)


def _columns(line: str, delimiter: str, are_classes: bool) -> Columns | None:
    cells = cells_of(line, delimiter)
    names = [re.sub(r"[^a-z]", "", cell.lower()) for cell in cells]
    if "pixels" in names:
        return None
    places = {meaning: place for meaning in _COLUMNS if (place := place_of(meaning, cells)) is not None}
    box, has_corners = _box_columns(cells)
    if {"picture", "class"} <= places.keys():
        return Columns(delimiter, len(cells), places, {}, box, has_corners)
    if "picture" not in places or "nf" in names:  # FER+'s votes, which have numbers of annotators
        return None
    taken = {*places.values(), *box}
    classes = {
        place: cells[place]
        for place, name in enumerate(names)
        if name in KNOWN_SPELLINGS or (are_classes and place not in taken)
    }
    return Columns(delimiter, len(cells), places, classes, box, has_corners) if len(classes) >= 2 else None


def _box_columns(cells: list[str]) -> tuple[dict[int, str], bool]:
    """The four columns with the box by their place, none without, and whether they are its corners."""
    names = [re.sub(r"[^a-z0-9]", "", cell.lower()) for cell in cells]
    for form in (*_BOX_CORNERS, *_BOX_SIZES):
        for of in _BOX_OF:
            sides = [of + side for side in form]
            if all(names.count(side) == 1 for side in sides):
                return {names.index(side): cells[names.index(side)] for side in sides}, form in _BOX_CORNERS
    return {}, False
