"""FER+ as its authors' program writes it: ``FER2013Train/fer0000000.png`` beside ``label.csv`` with ten votes a line.

The label is what most annotators chose. Faces without one choice that leads are left out, and so are those that most
annotators called unknown or no face.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

from edge_agent.errors import InputError
from train.data.checks import Faults, OnUnreadable, check_channels
from train.data.dataset import FaceSet
from train.data.ferplus import VOTES_FOR
from train.data.listed import Listed, cells_of, entries_of_lines, is_there, read_listed

log = logging.getLogger(__name__)

_PARTS = {"FER2013Train": "train", "FER2013Valid": "validation", "FER2013Test": "test"}
_TABLE = "label.csv"
_NO_LABEL = ("unknown", "not a face")


def find_ferplus(path: Path) -> dict[Path, str]:
    """The tables of the parts at a path or in its folder ``data``, each with its part."""
    tables = {root / folder / _TABLE: part for root in (path, path / "data") for folder, part in _PARTS.items()}
    return {table: part for table, part in tables.items() if table.is_file()}


def load_ferplus(
    tables: dict[Path, str], root: Path, *, channels: int = 1, on_unreadable: OnUnreadable = "error"
) -> FaceSet:
    """Read FER+'s pictures with the label of most annotators.

    Args:
        tables: What :func:`find_ferplus` found.
        root: The path that it was looked for at.
        channels: 1 for gray, 3 for red-green-blue.
        on_unreadable: Whether a broken line or picture is an error or is skipped and listed in ``unreadable``.

    Raises:
        InputError: A line is malformed, or its picture is not there or cannot be read.
    """
    check_channels(channels)
    faults = Faults(on_unreadable)
    left_out = 0

    def entries() -> Iterator[Listed]:
        for table, part in tables.items():

            def entry_of(number: int, line: str, table: Path = table, part: str = part) -> Listed | None:
                nonlocal left_out
                file, label = _line(f"{table}, line {number}", line, table.parent)
                left_out += not label
                return Listed(file, label, part, file.relative_to(root).as_posix()) if label else None

            yield from entries_of_lines(table, faults, entry_of)

    faces = read_listed("FER+", root, entries(), channels=channels, faults=faults)
    if left_out:
        log.warning("%s: %d faces are left out: no label leads, or most annotators saw no known one", root, left_out)
    return faces


def _line(where: str, line: str, folder: Path) -> tuple[Path, str]:
    """The picture and its label; the label is empty where there is none."""
    cells = cells_of(line)
    votes = cells[2:]
    if len(votes) != len(VOTES_FOR) or not all(vote.isdecimal() and len(vote) <= 2 for vote in votes):
        raise InputError(where, received=repr(line[:80]), expected=f"a picture, its box and {len(VOTES_FOR)} votes")
    picture = folder / Path(cells[0]).name
    if not is_there(picture):
        raise InputError(where, received=f"{cells[0][:80]!r}, which is not there", expected=f"a picture in {folder}")
    counts = [int(vote) for vote in votes]
    leading = [choice for choice, count in zip(VOTES_FOR, counts, strict=True) if count == max(counts)]
    return picture, "" if len(leading) > 1 or leading[0] in _NO_LABEL else leading[0]
