"""FER2013 (Goodfellow et al. 2013), Kaggle's ``fer2013.csv``, or ``icml_face_data.csv`` with its spaced header.

Tables of the same form by other names are read as well: CK+'s with eight classes, or with classes and splits in words.
Columns ``emotion``, ``pixels`` and ``Usage`` in any order, also by other usual names; a row is one face, its pixels
48 x 48 numbers row by row.
Without the column ``Usage`` there are no splits.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_agent.errors import InputError
from edge_agent.model_format.labels import FER2013
from edge_agent.model_format.metadata import FACE_SIZE
from train.data.checks import Faults, OnUnreadable, check_channels
from train.data.dataset import FaceSet
from train.data.folders import label_order, split_named
from train.data.label_map import NO_LABEL_MAP, LabelMap, number_of
from train.data.packed import read_lines
from train.data.table_columns import first_line, place_of

log = logging.getLogger(__name__)

USAGES = ("Training", "PublicTest", "PrivateTest")
"""The publisher's splits, in the file's order."""

TABLE_NAMES = ("fer2013.csv", "icml_face_data.csv")
"""What Kaggle calls the table."""

CK_PLUS_TABLE = "ckextended.csv"
"""What Kaggle calls CK+'s table of the same form."""

CK_PLUS_NUMBERS = (*FER2013, "contempt")
"""Class ``i`` of CK+'s table is ``CK_PLUS_NUMBERS[i]``: FER2013's numbers, and one more."""

_CK_PLUS_NAME = re.compile(r"(?<![a-z])ck(plus|ext|data|[^a-z])", re.IGNORECASE)
"""What the names of CK+'s tables have in common: ``ckextended.csv``, ``CK+.csv``, ``ck_plus_7.csv``."""

_OTHER_NUMBERS = re.compile(r"affect|raf[-_ ]?db", re.IGNORECASE)
"""What the names of tables have in common in which numbers are not FER2013's."""

_PIXELS = FACE_SIZE * FACE_SIZE
_COLUMNS = ("emotion", "pixels", "usage")
_PACKINGS = (".gz", ".xz", ".zip", ".tar", ".tgz")
_WHERE = "Kaggle's fer2013.csv or icml_face_data.csv has them all"


@dataclass(frozen=True)
class _Row:
    pixels: NDArray[np.uint8]
    label: str
    usage: str


class _Words:
    """What the cells of a table's columns ``emotion`` and ``Usage`` mean.

    Args:
        known: What numbers mean where the user has not said it; nothing where the user must.
        label_map: What the user said about numbers and names.
    """

    def __init__(self, known: tuple[str, ...], label_map: LabelMap) -> None:
        self._map = label_map
        numbers = label_map.numbers or dict(enumerate(known))
        self._labels = {str(number): label for number, label in numbers.items()}
        self._numbers = dict(numbers)

    def label(self, where: str, cell: bytes) -> str:
        """The class that a cell means."""
        text = cell.decode("utf-8", "replace")
        label = self._labels.get(text)
        if label is None:
            label = self._labels[text] = self._read(where, text, cell)
        return label

    def usage(self, where: str, cell: bytes) -> str:
        """The publisher's split that a cell names, else one of ``train``, ``validation`` and ``test``."""
        text = cell.decode("utf-8", "replace")
        usage = text if text in USAGES else split_named(text)
        if not usage:
            raise InputError(f"{where}, Usage", received=_quoted(cell), expected=", ".join(USAGES))
        return usage

    def _read(self, where: str, text: str, cell: bytes) -> str:
        number = number_of(text)  # also of 3.0
        if number is not None and number in self._numbers:
            return self._numbers[number]
        if self._numbers and not any(map(str.isalpha, text)):
            listed = ", ".join(self._numbers.values())
            raise InputError(
                f"{where}, emotion",
                received=_quoted(cell),
                expected=f"{min(self._numbers)} to {max(self._numbers)} ({listed})",
                remedy="Other classes can be read from folders, one a class",
            )
        return self._map.read([text], f"{where}, emotion", of_emotions=True)[text]


def load_fer2013(
    path: Path,
    *,
    channels: int = 1,
    on_unreadable: OnUnreadable = "error",
    label_map: LabelMap = NO_LABEL_MAP,
) -> FaceSet:
    """Read the table: plain, or packed with xz, gzip, bzip2, zip or tar.

    Classes and splits may also be words. In a table by another name than FER2013's, 7 means contempt.

    Args:
        path: The file.
        channels: 1 for gray, 3 for the gray level repeated three times.
        on_unreadable: Whether a broken row is an error or is skipped and listed in ``unreadable``.
        label_map: What the numbers or names of the classes mean; FER2013's numbers unless given.

    Raises:
        InputError: The file is missing, empty, damaged or has other columns; or a row has an unknown class or split, a
            wrong number of pixels, or a pixel that is no whole number from 0 to 255. It names the file and the row, the
            header being row 1.
    """
    check_channels(channels)
    faults = Faults(on_unreadable)
    lines = read_lines(path, preferred=TABLE_NAMES)
    if _is_fer2013(path) and label_map.named == "fer2013":
        label_map = NO_LABEL_MAP  # it says what holds anyway
    strict = _is_fer2013(path) and label_map == NO_LABEL_MAP
    line = next(lines, b"")
    delimiter = _delimiter(line)
    header = _header(path, line, delimiter, strict=strict)
    known = FER2013 if strict else () if _OTHER_NUMBERS.search(path.name) else CK_PLUS_NUMBERS
    words = _Words(known, label_map)
    rows, numbers = [], []
    for number, line in enumerate(lines, start=2):
        if not line.strip():
            continue
        try:
            rows.append(_row(f"{path}, row {number}", header, line, delimiter, words))
        except InputError as fault:
            faults.add(fault)
        else:
            numbers.append(number)
    if not rows:
        received = f"no readable row ({faults.found[0]})" if faults.found else "a header and no rows"
        raise InputError(str(path), received=received, expected="one row a face", remedy="Fetch the table again")
    images = np.stack([row.pixels for row in rows]).reshape(-1, FACE_SIZE, FACE_SIZE, 1)
    nameless = np.full(len(rows), "")
    name, classes, usage = _kind(path, rows, label_map)
    index = {label: number for number, label in enumerate(classes)}
    return FaceSet(
        name=name,
        images=images if channels == 1 else np.repeat(images, channels, axis=-1),
        labels=np.array([index[row.label] for row in rows], np.int64),
        classes=classes,
        usage=np.array(usage),
        origin=np.array([f"{path.name}:{number}" for number in numbers]),
        subject=nameless,
        sequence=nameless,
        unreadable=faults.found,
    )


def _is_fer2013(path: Path) -> bool:
    name = path.name.lower()
    while name.endswith(_PACKINGS):
        name = name.rpartition(".")[0]
    return name in TABLE_NAMES


def _kind(path: Path, rows: list[_Row], label_map: LabelMap) -> tuple[str, tuple[str, ...], list[str]]:
    """A table's name, classes, and the split of each row: FER2013's own words for its own splits alone."""
    found, usage = {row.label for row in rows}, [row.usage for row in rows]
    own_splits = set(usage) <= set(USAGES)
    plain = [split_named(one) for one in usage]
    if label_map == NO_LABEL_MAP and own_splits:
        if _CK_PLUS_NAME.search(path.name) or (found <= set(CK_PLUS_NUMBERS) and "contempt" in found):
            meant = ", ".join(f"{number} {label}" for number, label in enumerate(CK_PLUS_NUMBERS) if label in found)
            log.warning("%s: read as CK+'s table (%s); --label-map says otherwise", path, meant)
            return "CK+", label_order(found), plain
        if found <= set(FER2013):
            return "FER2013", FER2013, usage
    return path.name.partition(".")[0], label_order(found), plain


def has_pixels(table: Path, *, with_class: bool = False) -> bool:
    """Whether a file that is not packed begins with the header of such a table."""
    line = first_line(table).encode()
    names = _names(line, _delimiter(line))
    return "pixels" in names and (not with_class or "emotion" in names)


def _delimiter(header: bytes) -> bytes:
    """What is between the columns: a comma, or what else a spreadsheet writes."""
    return next((one for one in (b",", b";", b"\t") if one in header), b",")


def _fields(line: bytes, delimiter: bytes) -> list[bytes]:
    return [field.strip(b' "') for field in line.split(delimiter)]


def _names(header: bytes, delimiter: bytes) -> list[str]:
    """The column names in lower case, other words for ``emotion`` and ``usage`` replaced by these."""
    cells = _fields(header.removeprefix(b"\xef\xbb\xbf"), delimiter)
    names = [cell.decode("latin-1").lower() for cell in cells]
    for meaning, plain in (("class", "emotion"), ("part", "usage")):
        if plain not in names and (place := place_of(meaning, names)) is not None:
            names[place] = plain
    return names


def _header(path: Path, line: bytes, delimiter: bytes, *, strict: bool) -> list[str]:
    """The column names in lower case; only in FER2013's own table ``Usage`` must be one of them."""
    names = _names(line, delimiter)
    missing = [name for name in _COLUMNS if name not in names]
    if missing == ["usage"] and not strict:
        return names
    if missing:
        raise InputError(
            f"{path}, row 1",
            received=f"a header without {', '.join(missing)}: {_quoted(line)}",
            expected="the columns emotion, pixels and Usage, or in a list of pictures columns such as image and label",
            remedy=f"Name the columns so; {_WHERE}",
        )
    return names


def _row(where: str, header: list[str], line: bytes, delimiter: bytes, words: _Words) -> _Row:
    fields = _fields(line, delimiter)
    if len(fields) != len(header):
        raise InputError(
            where,
            received=f"{len(fields)} columns",
            expected=f"{len(header)} as in the header",
            remedy="Fetch the table again",
        )
    cells = dict(zip(header, fields, strict=True))
    label = words.label(where, cells["emotion"])
    usage = words.usage(where, cells["usage"]) if "usage" in cells else ""
    return _Row(_parse_pixels(f"{where}, pixels", cells["pixels"]), label, usage)


def _parse_pixels(where: str, text: bytes) -> NDArray[np.uint8]:
    """``uint8 (2304,)``. Stray characters are looked for first, because older NumPy stops there with only a warning."""
    if text.translate(None, b"0123456789 "):
        stray = next(word for word in text.split(b" ") if word and not word.isdigit())
        raise InputError(where, received=_quoted(stray), expected="whole numbers from 0 to 255")
    values = np.fromstring(text.decode("ascii"), dtype=np.int64, sep=" ") if text else np.empty(0, np.int64)
    if values.size != _PIXELS:
        raise InputError(where, received=f"{values.size} values", expected=f"{_PIXELS} ({FACE_SIZE} x {FACE_SIZE})")
    highest = int(values.max())
    if highest > 255:
        raise InputError(where, received=highest, expected="whole numbers from 0 to 255")
    return values.astype(np.uint8)


def _quoted(text: bytes) -> str:
    """A value as an error message quotes it, shortened."""
    plain = text.decode("utf-8", "replace")
    return repr(plain if len(plain) <= 60 else f"{plain[:60]}...")
