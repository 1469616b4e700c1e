"""Tables with a header that name a picture and its class in each row, as many collections on the web come.

Such are the lists beside Kaggle's copies of RAF-DB and AffectNet, AffectNet's own lists, and ``legend.csv`` of small
collections. What the columns are called decides which they are. A column with the part, and columns with the face's
box, are used where they are there. Instead of one column with the class, each class may have a column with 0 or 1.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_agent.errors import InputError
from train.data.affectnet import NO_EXPRESSION, leave_out
from train.data.checks import Faults, OnUnreadable, check_channels
from train.data.dataset import FaceSet
from train.data.folders import files_in, folders_in, split_named
from train.data.label_map import NO_LABEL_MAP, LabelMap, number_of
from train.data.listed import PICTURES, Box, Listed, is_there, part_of, read_listed
from train.data.table_columns import DELIMITERS, TABLES, Columns, columns_as, columns_of, encoding_of, is_content

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Row:
    """A row of a table.

    Attributes:
        table: The table.
        columns: Its columns.
        number: The row's number in an editor.
        line: The row.
        cells: Its cells by what they mean.
    """

    table: Path
    columns: Columns
    number: int
    line: str
    cells: dict[str, str]


def is_picture_table(path: Path) -> bool:
    """Whether a file begins with the header of such a table."""
    return columns_of(path) is not None


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
    rows = [row for table, columns in _with_columns(tables) for row in _rows(table, columns, faults)]
    where = str(tables[0] if len(tables) == 1 else root)
    if label_map.named == "affectnet":
        rows = leave_out(where, rows, lambda row: number_of(row.cells["class"]) in NO_EXPRESSION)
    meaning = label_map.read((row.cells["class"] for row in rows), f"{where}: classes")
    finder = _Finder(root)

    def entries() -> Iterator[Listed]:
        for row in rows:
            table, place = row.table, f"{row.table}, row {row.number}"
            try:
                picture = finder.find(place, row.cells["picture"], table.parent)
                part = _part(place, row.cells.get("part", "")) or (_part_of_table(table) if len(tables) > 1 else "")
                yield Listed(
                    picture,
                    meaning[row.cells["class"]],
                    part or part_of(picture.relative_to(root)),
                    f"{table.relative_to(root).as_posix()}:{row.number}",
                    _box(place, row),
                    row.cells.get("person", ""),
                )
            except InputError as fault:
                faults.add(fault)

    return read_listed(root.resolve().name, Path(where), entries(), channels=channels, faults=faults)


def _tables_in(folder: Path) -> list[Path]:
    files = [file for file in files_in(folder) if file.suffix.lower() in TABLES]
    found = {file: columns for file in files if (columns := columns_of(file))}
    first = next(iter(found.values()), None)
    return [file for file in files if file in found or (first is not None and columns_as(first, file))]


def _with_columns(tables: Sequence[Path]) -> list[tuple[Path, Columns]]:
    """Tables with their columns; one without a header has those of the first that has one."""
    found = {table: columns for table in tables if (columns := columns_of(table))}
    if not found:
        raise InputError(str(tables[0]), received="no header", expected="columns with picture and class")
    first, columns = next(iter(found.items()))
    for table in tables:
        if table not in found and (same := columns_as(columns, table)):
            log.warning("%s: it has no header and is read with the columns of %s", table, first.name)
            found[table] = same
    return [(table, found[table]) for table in tables if table in found]


def _part_of_table(table: Path) -> str:
    """The part that a table's name means, or that of its folder."""
    return split_named(table.stem) or split_named(table.parent.name)


def _rows(path: Path, columns: Columns, faults: Faults) -> list[_Row]:
    """The rows of a table that name a picture and a class."""
    try:
        lines = path.read_text(encoding=encoding_of(path)).splitlines()
    except UnicodeError:
        raise InputError(
            str(path),
            received="text in another encoding",
            expected="a table in UTF-8",
            remedy="Save it as CSV in UTF-8, as spreadsheets offer",
        ) from None
    except OSError as error:
        raise InputError(str(path), received=str(error), expected="a table that can be read") from None
    first = next((index for index, line in enumerate(lines) if is_content(line)), 0) + columns.in_header
    if columns.box:
        log.warning("%s: each face is cropped by its box (%s)", path, ", ".join(columns.box.values()))
    wanted = f"a 1 in one of the columns {', '.join(columns.classes.values())}" if columns.classes else "a class"
    rows = []
    for number, line in enumerate(lines[first:], start=first + 1):
        if not line.strip(" " + DELIMITERS):
            continue
        cells = columns.cells(line)
        if cells.get("picture") and cells.get("class"):
            rows.append(_Row(path, columns, number, line, cells))
        else:
            where = f"{path}, row {number}"
            faults.add(InputError(where, received=repr(line[:60]), expected=f"a picture and {wanted}"))
    return rows


def _part(where: str, cell: str) -> str:
    part = split_named(cell)
    if cell and not part:
        raise InputError(f"{where}: part", received=repr(cell), expected="train, validation or test")
    return part


def _box(where: str, row: _Row) -> Box | None:
    try:
        return row.columns.box_in(row.line)
    except ValueError:
        raise InputError(f"{where}: box", received=repr(row.line[:60]), expected="four numbers of pixels") from None


class _Finder:
    """Finds the pictures that a table names, below its folder."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._by_name: dict[str, list[Path]] | None = None

    def find(self, where: str, named: str, beside: Path) -> Path:
        """The picture: by its path from the table's folder or from the one given, else by the end of its path.

        So paths of another machine are found too, also where several folders have pictures of the same name.
        """
        relative = Path(named.replace("\\", "/"))
        if not relative.is_absolute() and ".." not in relative.parts:
            for folder in (beside, self._root):
                if is_there(folder / relative):
                    return folder / relative
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
