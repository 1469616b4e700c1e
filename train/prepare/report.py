"""The report of `prepare`: the crops, and the files left out with the reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from train.common.markdown import paragraph
from train.common.table import table

Reason = Literal["unreadable", "no face", "too small", "several faces", "duplicate", "two classes", "no class"]

_MAX_LISTED = 20


@dataclass(frozen=True)
class Skipped:
    """A file, or a face in it, that was not cropped; ``detail`` explains the reason."""

    file: str
    reason: Reason
    detail: str


@dataclass(frozen=True)
class Face:
    """A crop.

    Attributes:
        crop: Its path below the output folder.
        file: The photograph's path below the folder of photographs.
        label: Its class.
        part: ``train``, ``validation`` or ``test``.
        person: The person shown; empty where unknown.
        box: Left, top and side of the square in pixels of the upright photograph.
    """

    crop: str
    file: str
    label: str
    part: str
    person: str
    box: tuple[int, int, int]


@dataclass(frozen=True)
class PreparationReport:
    """A whole preparation.

    Attributes:
        images: The folder of photographs.
        detector: Name of the detector.
        policy: Every setting.
        classes: Label names in the order in which loaders will give them.
        files: Number of files examined.
        people: Number of different persons; 0 where none is known.
        faces: The crops.
        skipped: The files and faces that were not cropped.
        notes: What one must know about results on this split.
    """

    images: str
    detector: str
    policy: dict[str, Any]
    classes: tuple[str, ...]
    files: int
    people: int
    faces: tuple[Face, ...]
    skipped: tuple[Skipped, ...]
    notes: tuple[str, ...]

    def counts(self) -> dict[str, dict[str, int]]:
        """Number of crops by part, then by class."""
        found = Counter((face.part, face.label) for face in self.faces)
        parts = [part for part in ("train", "validation", "test") if any(face.part == part for face in self.faces)]
        return {part: {name: found[part, name] for name in self.classes} for part in parts}

    def to_json(self) -> dict[str, Any]:
        """The report as plain JSON values, with the counts."""
        reasons = Counter(one.reason for one in self.skipped)
        return {**asdict(self), "counts": self.counts(), "skipped_by_reason": dict(reasons.most_common())}


def to_markdown(report: PreparationReport, max_listed: int | None = _MAX_LISTED) -> str:
    """A report as Markdown that is also readable in a terminal; it lists at most so many files, None for all."""
    counts = report.counts()
    rows: list[list[object]] = [
        [name, *(counts[part][name] for part in counts), sum(counts[part][name] for part in counts)]
        for name in report.classes
    ]
    rows.append(["total", *(sum(counts[part].values()) for part in counts), len(report.faces)])
    people = f" of {report.people:,} people" if report.people else ""
    sections = [
        f"# {report.images}",
        f"{len(report.faces):,} faces{people} from {report.files:,} files, found by {report.detector}.",
        table(["class", *counts, "total"], rows),
        *map(paragraph, report.notes),
        _skipped_section(report, max_listed),
    ]
    return "\n\n".join(sections) + "\n"


def _skipped_section(report: PreparationReport, max_listed: int | None) -> str:
    if not report.skipped:
        return "Skipped: none."
    lines = [f"Skipped: {len(report.skipped):,} ({count_reasons(report.skipped)})."]
    lines += [f"- {line}" for line in lines_of_skipped(report.skipped, max_listed)]
    if max_listed is not None and len(report.skipped) > max_listed:
        lines.append(f"- and {len(report.skipped) - max_listed:,} more, in prepare.md and prepare.json")
    return "\n".join(lines)


def count_reasons(skipped: Sequence[Skipped]) -> str:
    """How many were skipped for each reason: ``2 unreadable, 1 no face``."""
    reasons = Counter(one.reason for one in skipped).most_common()
    return ", ".join(f"{count:,} {reason}" for reason, count in reasons)


def lines_of_skipped(skipped: Sequence[Skipped], max_listed: int | None = _MAX_LISTED) -> list[str]:
    """The first so many, None for all, each with its reason."""
    return [f"{one.file}: {one.reason}: {one.detail}" for one in skipped[:max_listed]]
