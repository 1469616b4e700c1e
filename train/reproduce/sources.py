"""The paper's data sets, recognised by their content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_agent.errors import InputError
from edge_agent.model_format.labels import CK_PLUS, FER2013
from train.data import load
from train.data.dataset import FaceSet
from train.reproduce.paper import DataName


@dataclass(frozen=True)
class Source:
    """A data set and the path it was read from."""

    path: Path
    faces: FaceSet


def read_data(paths: Sequence[Path]) -> dict[DataName, Source]:
    """Read the paper's data sets and recognise each by its content.

    Raises:
        InputError: One of them is neither FER2013 nor CK+48 or cannot be read, or both are the same set.
    """
    found: dict[DataName, Source] = {}
    for path in paths:
        source = Source(path, load(path))
        name = _name_of(source)
        if name in found:
            raise InputError(
                str(path),
                received=f"{source.faces.name}, which {found[name].path} is already",
                expected="each set once",
            )
        found[name] = source
    return found


def _name_of(source: Source) -> DataName:
    faces, usages = source.faces, set(source.faces.usage)
    if faces.classes == FER2013 and ({"Training", "PublicTest"} <= usages or {"train", "test"} <= usages):
        return "fer2013"
    if faces.classes == CK_PLUS and (faces.sequence != "").all():
        return "ckplus"
    raise InputError(
        str(source.path),
        received=f"{faces.name} with the classes {', '.join(faces.classes)}",
        expected="FER2013 with Training and PublicTest, or CK+48 with its seven classes",
        remedy="Use the paper's own data sets",
    )
