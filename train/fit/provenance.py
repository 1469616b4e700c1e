"""Provenance of weights: which data, annotation and teacher models they were trained with, now and before.

This module alone merges provenance, reads it from a bundle's metadata, writes it into them, and words notes about it
for people. Everything else passes the value on.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from functools import reduce
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge_agent.errors import InputError
from edge_agent.model_format.labels import FER2013
from edge_agent.model_format.metadata import EARLIER, TRAINING, DataInfo, Metadata
from train.data.dataset import FaceSet, Split
from train.data.splits import make_split

log = logging.getLogger(__name__)


class Provenance(msgspec.Struct, frozen=True, kw_only=True):
    """What weights were trained with.

    Attributes:
        data: Sha256 to name of the data sets. Two folders may have the same name.
        annotation: Annotation beyond the data's own labels.
        teachers: Bundles whose answers were targets, with their fingerprints.
        splits: Sha256 of a data set to the splits whose training part was used, where that is known.
    """

    data: dict[str, str] = {}
    annotation: tuple[str, ...] = ()
    teachers: tuple[str, ...] = ()
    splits: dict[str, tuple[str, ...]] = {}

    def merged(self, other: Provenance) -> Provenance:
        """The provenance of weights that were made from weights of both."""
        return Provenance(
            data={**self.data, **other.data},
            annotation=tuple(dict.fromkeys((*self.annotation, *other.annotation))),
            teachers=tuple(dict.fromkeys((*self.teachers, *other.teachers))),
            splits={
                sha256: tuple(dict.fromkeys((*self.splits.get(sha256, ()), *other.splits.get(sha256, ()))))
                for sha256 in {**self.splits, **other.splits}
            },
        )

    def without(self, other: Provenance) -> Provenance:
        """What is in this and not in ``other``. A data set used by a split that ``other`` lacks stays."""
        left = {
            sha256: tuple(split for split in splits if split not in other.splits.get(sha256, ()))
            for sha256, splits in self.splits.items()
        }
        return Provenance(
            data={sha256: name for sha256, name in self.data.items() if sha256 not in other.data or left.get(sha256)},
            annotation=tuple(one for one in self.annotation if one not in other.annotation),
            teachers=tuple(one for one in self.teachers if one not in other.teachers),
            splits={sha256: splits for sha256, splits in left.items() if splits},
        )

    def as_earlier_data(self) -> tuple[DataInfo, ...]:
        """The data sets as a bundle's metadata list those of earlier trainings."""
        return tuple(
            DataInfo(name=name, sha256=sha256, protocol=protocol, use=EARLIER)
            for sha256, name in self.data.items()
            for protocol in self.splits.get(sha256, ("",))
        )


NO_PROVENANCE = Provenance()


def merge(parts: Iterable[Provenance]) -> Provenance:
    """The provenance of weights that were made from weights of all parts."""
    return reduce(Provenance.merged, parts, NO_PROVENANCE)


def provenance_of_bundle(metadata: Metadata) -> Provenance:
    """The provenance that a bundle's metadata state."""
    training = metadata.training
    used = [data for data in metadata.data if data.use in (TRAINING, EARLIER)]
    splits: dict[str, tuple[str, ...]] = {}
    for data in filter(lambda data: data.protocol, used):
        splits[data.sha256] = (*splits.get(data.sha256, ()), data.protocol)
    return Provenance(
        data={data.sha256: data.name for data in used},
        annotation=tuple(filter(None, (training.extra_annotation, *training.earlier_annotation))),
        teachers=(*training.teachers, *training.earlier_teachers),
        splits=splits,
    )


def describe_bundle(path: Path, model_id: str) -> str:
    """A bundle's name and fingerprint, as records of runs have them."""
    return f"{path.name}, bundle {model_id}"


def note_on_split(faces: FaceSet, split: Split, earlier: Provenance) -> str:
    """What someone who reads results on a split must know.

    That is the split's own note, and how many held-out images were in the training part of an earlier training.

    Args:
        faces: The data set.
        split: That of the training.
        earlier: Provenance of the initial weights and teacher models. Only splits of this very data set count, and only
            those that are known here.
    """
    held_out = np.concatenate([split.validation, split.test])
    seen = _seen(faces, held_out, earlier.splits.get(faces.fingerprint(), ()) if earlier.splits else ())
    if not seen:
        return split.note
    count = int(np.any(list(seen.values()), axis=0).sum())
    overlap = f"{count} of {len(held_out)} held-out images were in earlier training data, by {', '.join(seen)}"
    return f"{split.note} {overlap}: figures on them flatter.".strip()


def splits_that_trained_on(provenance: Provenance, faces: FaceSet, rows: NDArray[np.int64]) -> tuple[str, ...]:
    """The splits by which some images of a data set were trained on, now or in an earlier training.

    Where the very data are not known, the splits of data of the same name count: most of their images are the same.

    Args:
        provenance: Of the weights.
        faces: The data set.
        rows: The images.
    """
    own = faces.fingerprint()
    same = {own} if own in provenance.data else {one for one, name in provenance.data.items() if name == faces.name}
    return tuple(_seen(faces, rows, (split for one in same for split in provenance.splits.get(one, ()))))


def _seen(faces: FaceSet, rows: NDArray[np.int64], splits: Iterable[str]) -> dict[str, NDArray[np.bool_]]:
    """Which of the rows each split has in its training part. Splits that have none are left out."""
    found = {protocol: np.isin(rows, _training_part(faces, protocol)) for protocol in splits}
    return {protocol: seen for protocol, seen in found.items() if seen.any()}


def _training_part(faces: FaceSet, protocol: str) -> NDArray[np.int64]:
    """Its rows; none, with a warning, where the split is not known here."""
    try:
        return make_split(faces, protocol).train
    except InputError:
        log.warning("%s cannot be split by %s: was no held-out image trained on?", faces.name, protocol)
        return np.empty(0, np.int64)


def warn_of_fer2013(faces: FaceSet, earlier: Provenance) -> None:
    """Log a warning where earlier trainings used another form of FER2013: its images cannot be compared by fingerprint.

    Args:
        faces: The data set of the training.
        earlier: Provenance of the initial weights and teacher models.
    """
    own = faces.fingerprint()
    others = [name for sha256, name in earlier.data.items() if sha256 != own]
    if faces.classes == FER2013 and "FER2013" in others:
        log.warning(
            "the initial weights or teacher models were trained on FER2013, and %s has the same classes: make sure "
            "that no held-out picture was among their training images",
            faces.name,
        )
