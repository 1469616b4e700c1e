"""Data sets in forms that are not read: what to say of them, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from edge_agent.errors import InputError
from train.data.folders import files_in, folders_in
from train.data.listed import PICTURES
from train.data.table_columns import TABLES, first_line

_EXPECTED = "class folders, or a CSV file with a column for the picture and one for its class"
_AS_TABLE = (
    "Export it as class folders or as CSV, such as Roboflow's Folder Structure, Multi-Label Classification or "
    "Tensorflow Object Detection"
)
_AS_FOLDERS = "Save its pictures in class folders with the program that reads it"
_NAME_COLUMNS = "Call its columns image and label, or emotion and pixels, and save it in UTF-8"

_LISTS = (".txt", ".lst")
_ARRAYS = dict.fromkeys(
    (".npz", ".npy", ".h5", ".hdf5", ".mat", ".pkl", ".pickle", ".pt", ".tfrecord"), ("an array file", _AS_FOLDERS)
)
_OF_PROGRAMS = {
    ".json": ("a JSON file, as of COCO", _AS_TABLE),
    ".jsonl": ("lines of JSON, as of Hugging Face", "Write them as CSV with the columns image and label"),
    ".xml": ("an XML file, as of Pascal VOC", _AS_TABLE),
    ".parquet": ("a Parquet file, as of Hugging Face", _AS_FOLDERS),
    ".arrow": ("an Arrow file, as of Hugging Face", _AS_FOLDERS),
    ".xlsx": ("a spreadsheet", "Save it as CSV in UTF-8, with the columns image and label"),
    ".xls": ("a spreadsheet", "Save it as CSV in UTF-8, with the columns image and label"),
    ".ods": ("a spreadsheet", "Save it as CSV in UTF-8, with the columns image and label"),
    **_ARRAYS,
}
_ARCHIVES = (".zip", ".rar", ".7z", ".tar", ".tgz", ".gz", ".xz", ".bz2")


def other_file(path: Path) -> InputError | None:
    """The refusal of a file in a form that is not read; None where it may be read."""
    if not path.is_file() or (form := _OF_PROGRAMS.get(path.suffix.lower())) is None:
        return None
    return InputError(str(path), received=form[0], expected=_EXPECTED, remedy=form[1])


def yolo_layout(path: Path) -> InputError | None:
    """The refusal of YOLO's folders ``images`` and ``labels``, which look like two classes; None where it is none."""
    for folder in (path, *folders_in(path)):
        labels = folder / "labels"
        if (folder / "images").is_dir() and labels.is_dir():
            below = (labels, *folders_in(labels))
            if any(file.suffix.lower() == ".txt" for inner in below for file in files_in(inner)):
                return InputError(
                    str(folder), received="folders images and labels, as of YOLO", expected=_EXPECTED, remedy=_AS_TABLE
                )
    return None


def other_layout(path: Path) -> InputError | None:
    """The refusal of a folder without class folders by what lies in it or in the folders in it; None for nothing."""
    files = [file for folder in (path, *folders_in(path)) for file in files_in(folder)]
    return next(_refusals(files), None)


def _refusals(files: list[Path]) -> Iterator[InputError]:
    """The likeliest first."""
    for file in files:
        if file.suffix.lower() in TABLES:
            received = f"a table with the columns {first_line(file)[:60]!r}"
            yield InputError(str(file), received=received, expected=_EXPECTED, remedy=_NAME_COLUMNS)
    yield from filter(None, map(other_file, files))
    for file in files:
        if file.suffix.lower() in _LISTS and any(f"{end} " in f"{first_line(file).lower()} " for end in PICTURES):
            received = f"a list with lines such as {first_line(file)[:60]!r}"
            yield InputError(str(file), received=received, expected=_EXPECTED, remedy="Write it as CSV: image,label")
    for file in files:
        if file.suffix.lower() in _ARCHIVES:
            yield InputError(str(file), received="an archive", expected=_EXPECTED, remedy="Unpack it")
