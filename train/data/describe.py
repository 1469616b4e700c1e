"""What is in a data set: the paper's Tables I and II for any data, and duplicates and leaks that they do not show."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from train.common.table import table
from train.data.dataset import FaceSet, Split
from train.data.splits import make_split, siblings_in_train

_MAX_LISTED = 20


@dataclass(frozen=True)
class Overlap:
    """How many images of one part have the same pixels as some image of another part."""

    images: int
    of: str
    also_in: str


@dataclass(frozen=True)
class Description:
    """The content of a data set.

    Attributes:
        name: The data set's.
        images: How many.
        channels: 1 for gray, 3 for red-green-blue.
        protocol: The split whose parts are counted; empty for the publisher's own parts.
        note: What someone who reads results on that split must know.
        counts: Images by part, then by class.
        repeated: By part: images whose pixels occurred earlier in the same part.
        overlaps: Between parts, earlier parts first.
        contradicted: Images whose exact pixels also occur under another class.
        subjects: Number of known persons; 0 where the set does not name persons.
        sequences: Number of known recordings; likewise.
        siblings: Held-out images that have another frame of the same recording in training; None without recordings or
            protocol.
        unreadable: What was skipped, with the reasons.
    """

    name: str
    images: int
    channels: int
    protocol: str
    note: str
    counts: dict[str, dict[str, int]]
    repeated: dict[str, int]
    overlaps: tuple[Overlap, ...]
    contradicted: int
    subjects: int
    sequences: int
    siblings: int | None
    unreadable: tuple[str, ...]

    def to_json(self) -> dict[str, object]:
        """The same as plain JSON values."""
        return asdict(self)


def describe(faces: FaceSet, split: Split | None = None) -> Description:
    """Count a data set: by the split given, else by its publisher's parts, else by its customary protocol.

    Raises:
        InputError: There is no split to count by, and the set is too small for the customary one.
    """
    published = list(dict.fromkeys(map(str, faces.usage)))
    if split is None and published == [""]:
        split = make_split(faces)
    if split is None:
        parts = {part: np.flatnonzero(faces.usage == part) for part in published}
    else:
        drawn = {"train": split.train, "validation": split.validation, "test": split.test}
        parts = {part: rows for part, rows in drawn.items() if rows.size}
    same = _equal_pixels(faces.images)
    recorded = faces.sequence[faces.sequence != ""]
    return Description(
        name=faces.name,
        images=len(faces),
        channels=faces.channels,
        protocol=split.protocol if split else "",
        note=split.note if split else "",
        counts={part: _by_class(faces, rows) for part, rows in parts.items()},
        repeated={part: int(rows.size - np.unique(same[rows]).size) for part, rows in parts.items()},
        overlaps=_overlaps(parts, same),
        contradicted=_contradicted(same, faces.labels),
        subjects=len(set(faces.subject[faces.subject != ""])),
        sequences=len(set(recorded)),
        siblings=siblings_in_train(faces, split) if split and recorded.size else None,
        unreadable=faces.unreadable,
    )


def to_markdown(description: Description) -> str:
    """A description as Markdown that reads well in a terminal."""
    parts = list(description.counts)
    classes = list(next(iter(description.counts.values())))
    rows = [[name, *(description.counts[part][name] for part in parts)] for name in classes]
    rows.append(["total", *(sum(description.counts[part].values()) for part in parts)])
    colours = "gray" if description.channels == 1 else "colour"
    by = f", split by `{description.protocol}`" if description.protocol else ""
    sections = [
        f"# {description.name}",
        f"{description.images:,} {colours} images in {len(classes)} class{'es' if len(classes) != 1 else ''}{by}.",
        table(["class", *parts, "total"], [[*row, sum(cell for cell in row if isinstance(cell, int))] for row in rows]),
        table(["exact duplicates", "images"], _duplicate_rows(description)),
    ]
    if description.subjects:
        sections.append(f"{description.subjects:,} subjects in {description.sequences:,} recordings.")
    if description.siblings is not None:
        held_out = sum(sum(description.counts[part].values()) for part in parts if part != "train")
        share = f" ({description.siblings / held_out:.1%})" if held_out else ""
        sections.append(
            f"{description.siblings:,} of {held_out:,} held-out images{share} have another frame of the same recording "
            "in training."
        )
    elif description.note:
        sections.append(description.note)
    sections.append(_unreadable_section(description.unreadable))
    return "\n\n".join(sections) + "\n"


def _equal_pixels(images: NDArray[np.uint8]) -> NDArray[np.int64]:
    """``int64 (N,)``: a number that images share exactly when their pixels are equal."""
    digests = [hashlib.blake2b(image.tobytes(), digest_size=16).hexdigest() for image in images]
    groups: NDArray[np.int64] = np.unique(np.array(digests), return_inverse=True)[1].astype(np.int64)
    return groups


def _by_class(faces: FaceSet, rows: NDArray[np.int64]) -> dict[str, int]:
    counted = np.bincount(faces.labels[rows], minlength=len(faces.classes))
    return {name: int(count) for name, count in zip(faces.classes, counted, strict=True)}


def _overlaps(parts: dict[str, NDArray[np.int64]], same: NDArray[np.int64]) -> tuple[Overlap, ...]:
    names = list(parts)
    return tuple(
        Overlap(int(np.isin(same[parts[later]], same[parts[earlier]]).sum()), of=later, also_in=earlier)
        for index, later in enumerate(names)
        for earlier in names[:index]
    )


def _contradicted(same: NDArray[np.int64], labels: NDArray[np.int64]) -> int:
    meanings = np.unique(np.stack([same, labels]), axis=1)[0]
    return int((np.bincount(meanings)[same] > 1).sum())


def _duplicate_rows(description: Description) -> list[list[object]]:
    within: list[list[object]] = [[f"again within {part}", count] for part, count in description.repeated.items()]
    across: list[list[object]] = [
        [f"of {overlap.of}, also in {overlap.also_in}", overlap.images] for overlap in description.overlaps
    ]
    return [*within, *across, ["under two classes", description.contradicted]]


def _unreadable_section(unreadable: tuple[str, ...]) -> str:
    if not unreadable:
        return "Unreadable: none."
    lines = [f"Unreadable: {len(unreadable):,}.", *(f"- {reason}" for reason in unreadable[:_MAX_LISTED])]
    if len(unreadable) > _MAX_LISTED:
        lines.append(f"- and {len(unreadable) - _MAX_LISTED:,} more")
    return "\n".join(lines)
