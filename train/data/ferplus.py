"""FER+ (Barsoum et al. 2016): ten annotators' votes on each image of FER2013, ``fer2013new.csv``.

Its rows are FER2013's, in the same order, so votes are joined by row number. The votes are annotation beyond FER2013's
labels: results that use them say so.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_agent.errors import InputError
from edge_agent.model_format.labels import FER2013, FER_PLUS
from train.data.dataset import FaceSet
from train.data.packed import read_lines

VOTES_FOR = (*FER_PLUS, "unknown", "not a face")
"""What a vote can be for, in the order of the columns."""

_MIN_FACES, _MIN_AGREEING = 100, 0.6
"""Smallest share of faces with a vote for their own label, in sets of at least 100 faces. Of FER2013's Training and
PublicTest 84 % have one; votes in a random order would give 36 %."""

_HEADER = [
    "Usage",
    "Image name",
    "neutral",
    "happiness",
    "surprise",
    "sadness",
    "anger",
    "disgust",
    "fear",
    "contempt",
    "unknown",
    "NF",
]


@dataclass(frozen=True)
class Votes:
    """Votes on the rows of a set of faces.

    Attributes:
        counts: ``int64 (N, 10)``: votes by row, in the order of :data:`VOTES_FOR`.
    """

    counts: NDArray[np.int64]

    def shares(self, classes: tuple[str, ...]) -> NDArray[np.float32]:
        """Share of the votes for each class among those for any of them, ``float32 (N, len(classes))``.

        A row sums to 1, or is all zero where nobody voted for any of the classes.

        Raises:
            InputError: FER+ has no votes for one of the classes.
        """
        unknown = [name for name in classes if name not in FER_PLUS]
        if unknown:
            raise InputError("classes", received=", ".join(unknown), expected=f"some of {', '.join(FER_PLUS)}")
        counted = self.counts[:, [FER_PLUS.index(name) for name in classes]].astype(np.float32)
        shares: NDArray[np.float32] = counted / np.maximum(counted.sum(axis=1, keepdims=True), 1)
        return shares

    def fingerprint(self) -> str:
        """Sha256 of the votes, in the order of their faces."""
        return hashlib.sha256(self.counts.tobytes()).hexdigest()

    def agreement(self) -> NDArray[np.float32]:
        """Share of all votes that went to the commonest choice, ``float32 (N,)``; 0 where there are no votes."""
        votes = self.counts.sum(axis=1)
        agreed: NDArray[np.float32] = (self.counts.max(axis=1) / np.maximum(votes, 1)).astype(np.float32)
        return agreed


def load_votes(path: Path, faces: FaceSet) -> Votes:
    """Read the votes on the faces of a set that :func:`train.data.fer2013.load_fer2013` read.

    Args:
        path: ``fer2013new.csv``, plain or packed.
        faces: The faces, all rows of the table or some, in any order.

    Raises:
        InputError: The file is broken, too short, has other columns, or its rows are not those of the faces.
    """
    usages, counts = _read(path)
    joined = np.empty((len(faces), len(VOTES_FOR)), np.int64)
    for index, (origin, usage) in enumerate(zip(faces.origin, faces.usage, strict=True)):
        row = _row_number(str(origin)) - 2
        if row >= len(usages):
            raise InputError(
                str(path),
                received=f"{len(usages)} rows",
                expected=f"a row for {origin}",
                remedy="Fetch the whole fer2013new.csv",
            )
        if usages[row] != usage:
            raise InputError(
                f"{path}, row {row + 2}",
                received=f"Usage {usages[row]}",
                expected=f"{usage} as in {origin}",
                remedy="Use a fer2013.csv in its publisher's order",
            )
        joined[index] = counts[row]
    votes = Votes(joined)
    if faces.classes == FER2013 and len(faces) >= _MIN_FACES:
        named = float((votes.shares(FER2013)[np.arange(len(faces)), faces.labels] > 0).mean())
        if named < _MIN_AGREEING:
            raise InputError(
                f"{path}",
                received=f"votes that name the own label of {named:.0%} of the faces",
                expected=f"{_MIN_AGREEING:.0%} at least: are they of other faces, or of these in another order?",
                remedy="Use a fer2013.csv in its publisher's order",
            )
    return votes


def _row_number(origin: str) -> int:
    """The row of the table an image came from, the header being row 1."""
    number = origin.rpartition(":")[2]
    if not number.isdigit():
        raise InputError(origin, received="an image from a file of its own", expected="a row of fer2013.csv")
    return int(number)


def _read(path: Path) -> tuple[list[str], list[list[int]]]:
    lines = read_lines(path)
    header = [name.strip() for name in next(lines, b"").decode("utf-8-sig", "replace").split(",")]
    if header != _HEADER:
        raise InputError(
            f"{path}, row 1",
            received=f"the columns {', '.join(header)[:80]}",
            expected=", ".join(_HEADER),
            remedy="Fetch fer2013new.csv from the FER+ project",
        )
    usages, counts = [], []
    for number, line in enumerate(lines, start=2):
        if not line.strip():  # no votes, but the row keeps its place, as the faces' table may have one for it
            usages.append("")
            counts.append([0] * len(VOTES_FOR))
            continue
        cells = line.decode("utf-8", "replace").split(",")
        votes = cells[2:]
        if len(cells) != len(_HEADER) or not all(vote.isdecimal() and len(vote) <= 2 for vote in votes):
            raise InputError(
                f"{path}, row {number}",
                received=repr(",".join(cells)[:80]),
                expected=f"a split, an image name and {len(VOTES_FOR)} numbers of votes",
            )
        usages.append(cells[0])
        counts.append([int(vote) for vote in votes])
    return usages, counts
