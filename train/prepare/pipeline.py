"""Own photographs to face crops for training: found and cut out by the device's own code, so that training sees what
the device will see.

The crops are pictures of people. They are written nowhere but into the folder named, which only its owner can open;
what becomes of them is for whoever runs this to answer for.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_agent.errors import InputError
from train.data.checks import check_channels
from train.data.folders import label_order
from train.data.group_split import TRAIN, VALIDATION, GroupSplit, split_by_groups
from train.data.near_duplicates import near_duplicate_groups
from train.prepare.face_cropping import Cut, Cutter, Policy
from train.prepare.photos import find_photos
from train.prepare.report import Face, Report, Skipped, render

_NOTICE = """\
These are pictures of people, cut out of photographs by `python -m train prepare`.

Whoever keeps this folder answers for them: who may see it, how long it is kept, whether the people shown agreed to it,
where copies go. Nothing but training needs it; delete it afterwards. prepare.json beside this file names the
photographs the crops were cut from.
"""


def prepare(
    images: Path,
    out: Path,
    policy: Policy | None = None,
    on_photo: Callable[[int, int], None] = lambda _done, _all: None,
) -> Report:
    """Cut the faces out of photographs in class folders and write them as class folders in parts.

    Args:
        images: The photographs, as :func:`train.prepare.photos.find_photos` reads them.
        out: A new folder: ``train/``, ``validation/`` and perhaps ``test/`` with crops of 48 x 48 pixels as PNG, which
            lose nothing and which loaders read as they are; ``prepare.json``, the report; and a notice. It appears
            whole or not at all.
        policy: What becomes a crop.
        on_photo: Told after every file: how many are done, and of how many.

    Raises:
        InputError: ``out`` is not empty or lies in ``images``, the folders are no classes, or a class has too few
            usable faces.
        ModelError: The detector cannot be opened.
    """
    policy = policy or Policy()
    check_channels(policy.channels)
    _check_place(images, out)
    photos = find_photos(images, policy.person)
    cutter = Cutter(policy)
    cuts: list[Cut] = []
    skipped: list[Skipped] = []
    for done, photo in enumerate(photos, start=1):
        taken = cutter.cut(photo)
        if isinstance(taken, Skipped):
            skipped.append(taken)
        else:
            cuts += taken
        on_photo(done, len(photos))
    cuts, repeated = _without_repeats(cuts)
    if not cuts:
        raise InputError(
            f"{images}",
            received=f"no usable face in {len(photos):,} files",
            expected="some",
            remedy="Pictures that are face crops already need no preparing: give them to fit",
        )
    classes = label_order({photo.label: photo.path for photo in photos})
    dealt = _parts(cuts, classes, policy)
    people = len({cut.photo.person for cut in cuts if cut.photo.person})
    report = Report(
        images=str(images),
        detector=cutter.detector_name,
        policy={**asdict(policy), "weights": str(policy.weights or "")},
        classes=classes,
        files=len(photos),
        people=people,
        faces=tuple(
            Face(
                _name(index, cut, part),
                _relative(cut.photo.path, images),
                cut.photo.label,
                part,
                cut.photo.person,
                cut.box,
            )
            for index, (cut, part) in enumerate(zip(cuts, map(str, dealt.parts), strict=True))
        ),
        skipped=tuple(
            Skipped(_relative(Path(one.file), images), one.reason, one.detail) for one in (*skipped, *repeated)
        ),
        notes=dealt.notes,
    )
    _write(out, report, [cut.crop for cut in cuts])
    return report


def _without_repeats(cuts: list[Cut]) -> tuple[list[Cut], list[Skipped]]:
    """Leave out copies, rather those of an unnamed person, and all of what stands under two classes."""
    same: dict[str, list[Cut]] = defaultdict(list)
    for cut in cuts:
        same[hashlib.sha256(cut.crop.tobytes()).hexdigest()].append(cut)
    kept, skipped = [], []
    for cut in cuts:
        alike = same[hashlib.sha256(cut.crop.tobytes()).hexdigest()]
        first = next((other for other in alike if other.photo.person), alike[0])
        if len({other.photo.label for other in alike}) > 1:
            labels = " and ".join(sorted({other.photo.label for other in alike}))
            skipped.append(Skipped(str(cut.photo.path), "two classes", f"the same picture stands under {labels}"))
        elif cut is not first:
            skipped.append(Skipped(str(cut.photo.path), "duplicate", f"the same pixels as {first.photo.path.name}"))
        else:
            kept.append(cut)
    return kept, skipped


def _parts(cuts: list[Cut], classes: tuple[str, ...], policy: Policy) -> GroupSplit:
    """The owner's own parts where there are any, else people and look-alikes dealt together."""
    owned = np.array([cut.photo.part for cut in cuts], dtype="<U10")
    groups = near_duplicate_groups([cut.crop for cut in cuts], [cut.photo.person for cut in cuts])
    labels = np.array([classes.index(cut.photo.label) for cut in cuts], np.int64)
    notes: list[str] = []
    to_deal = np.flatnonzero(owned == "")
    if owned.any():
        _check_owned(owned, labels, classes)
        held_out = owned != TRAIN
        shared = int(np.isin(groups[held_out], groups[~held_out]).sum())
        notes.append(
            f"The parts are the owner's: {shared} of {int(held_out.sum())} faces outside training show a person or "
            "moment that is also in it."
        )
        if VALIDATION not in owned:
            to_deal = np.flatnonzero(owned == TRAIN)
    if to_deal.size:
        dealt = split_by_groups(
            groups[to_deal],
            labels[to_deal],
            classes,
            validation=policy.validation,
            test=0.0 if owned.any() else policy.test,
            seed=policy.seed,
        )
        owned[to_deal] = dealt.parts
        notes += dealt.notes
        told = sum(bool(cuts[row].photo.person) for row in to_deal)
        if told < to_deal.size:
            notes.append(
                f"Who is shown is told for {told} of {to_deal.size} faces; others were kept together by likeness "
                "alone, so one person may be in two parts."
            )
    return GroupSplit(owned, tuple(notes))


def _check_owned(owned: NDArray[np.str_], labels: NDArray[np.int64], classes: tuple[str, ...]) -> None:
    for part in dict.fromkeys([TRAIN, *map(str, owned)]):
        lacking = [name for label, name in enumerate(classes) if not (labels[owned == part] == label).any()]
        if lacking:
            raise InputError(
                f"{part}/",
                received=f"no usable face of {', '.join(lacking)}",
                expected="some of each class",
                remedy="Add photographs, or leave the splitting to this command",
            )


def _name(index: int, cut: Cut, part: str) -> str:
    """Where a crop lies below the output folder: its number keeps it apart, its words lead back to the photograph."""
    words = "-".join(filter(None, (cut.photo.person, cut.photo.path.stem)))
    return f"{part}/{cut.photo.label}/{index:05d}-{re.sub(r'[^A-Za-z0-9_-]+', '-', words)[:80]}.png"


def _relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def _check_place(images: Path, out: Path) -> None:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(
            f"{out}",
            received="something that is already there",
            expected="a new or empty folder",
            remedy="Name another folder",
        )
    inner, outer = out.resolve(), images.resolve()
    if inner == Path.cwd():
        raise InputError(
            "--out",
            received=f"{out}, the folder this runs in",
            expected="one that can be replaced",
            remedy="Name a new folder in it",
        )
    if inner == outer or inner.is_relative_to(outer) or outer.is_relative_to(inner):
        raise InputError(
            "--out",
            received=f"{out}, one within the other with {images}",
            expected="a folder apart",
            remedy="Name another folder",
        )


def _write(out: Path, report: Report, crops: list[NDArray[np.uint8]]) -> None:
    staging = out.with_name(f".{out.name}.part")
    shutil.rmtree(staging, ignore_errors=True)
    try:
        staging.mkdir(parents=True)
        staging.chmod(0o700)
        for face, crop in zip(report.faces, crops, strict=True):
            target = staging / face.crop
            target.parent.mkdir(parents=True, exist_ok=True)
            stored = cv2.cvtColor(crop, cv2.COLOR_RGB2BGR) if crop.ndim == 3 else crop
            target.write_bytes(cv2.imencode(".png", stored)[1].tobytes())
        (staging / "prepare.json").write_text(json.dumps(report.to_json(), indent=2) + "\n", encoding="utf-8")
        (staging / "prepare.md").write_text(render(report), encoding="utf-8")
        (staging / "READ-ME-FIRST.txt").write_text(_NOTICE, encoding="utf-8")
        if out.exists():
            out.rmdir()
        staging.replace(out)
    except OSError as error:
        raise InputError(
            f"{out}: cannot be written: {error.strerror or error}", remedy="Choose another place"
        ) from None
    finally:
        shutil.rmtree(staging, ignore_errors=True)
