"""What `prepare` found, took and left out, and why."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any, Literal

from train.common.table import table

Reason = Literal["unreadable", "no face", "too small", "several faces", "duplicate", "two classes"]

_LISTED = 20


@dataclass(frozen=True)
class Skipped:
    """A file, or a face of it, that became no crop; ``detail`` says more than the reason."""

    file: str
    reason: Reason
    detail: str


@dataclass(frozen=True)
class Face:
    """A crop.

    Attributes:
        crop: Where it lies below the output folder.
        file: The photograph, below the folder of photographs.
        label: Its class.
        part: ``train``, ``validation`` or ``test``.
        person: Who is shown, where that is known.
        box: Left, top and side of the square in pixels of the upright photograph.
    """

    crop: str
    file: str
    label: str
    part: str
    person: str
    box: tuple[int, int, int]


@dataclass(frozen=True)
class Report:
    """A whole preparation.

    Attributes:
        images: The folder of photographs.
        detector: What found the faces.
        policy: Every setting.
        classes: Label names in the order loaders will give them.
        files: How many were looked at.
        people: How many persons are told apart; 0 where nothing tells.
        faces: The crops.
        skipped: What became none.
        notes: What a reader of a result on this split must know.
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
        """Crops by part, then by class."""
        found = Counter((face.part, face.label) for face in self.faces)
        parts = [part for part in ("train", "validation", "test") if any(face.part == part for face in self.faces)]
        return {part: {name: found[part, name] for name in self.classes} for part in parts}

    def to_json(self) -> dict[str, Any]:
        """The same as plain JSON values, with the counts."""
        reasons = Counter(one.reason for one in self.skipped)
        return {**asdict(self), "counts": self.counts(), "skipped_by_reason": dict(reasons.most_common())}


def render(report: Report) -> str:
    """A report as Markdown that reads well in a terminal."""
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
        *report.notes,
        _skipped_section(report),
    ]
    return "\n\n".join(sections) + "\n"


def _skipped_section(report: Report) -> str:
    if not report.skipped:
        return "Skipped: none."
    reasons = Counter(one.reason for one in report.skipped).most_common()
    lines = [f"Skipped: {len(report.skipped):,} ({', '.join(f'{count:,} {reason}' for reason, count in reasons)})."]
    lines += [f"- {one.file}: {one.reason}: {one.detail}" for one in report.skipped[:_LISTED]]
    if len(report.skipped) > _LISTED:
        lines.append(f"- and {len(report.skipped) - _LISTED:,} more, in prepare.json")
    return "\n".join(lines)
