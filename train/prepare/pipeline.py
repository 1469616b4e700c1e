"""From your own photographs to face crops for training, by the device's own code: training sees what the device sees.

The crops are pictures of people. They are written only into the named folder, which only its owner can open. Whoever
runs this is responsible for them.
"""

from __future__ import annotations

import hashlib
import json
import logging
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
from edge_agent.files import check_place_for
from train.data.checks import check_channels
from train.data.folders import label_order
from train.data.group_split import TRAIN, VALIDATION, GroupSplit, split_by_groups
from train.data.label_map import NO_LABEL_MAP, LabelMap
from train.data.load import published_layout
from train.data.near_duplicates import near_duplicate_groups
from train.data.other_layouts import yolo_layout
from train.prepare.face_cropping import FaceCrop, FaceCropper, Policy
from train.prepare.photos import files_without_class, find_photos
from train.prepare.report import Face, PreparationReport, Skipped, count_reasons, lines_of_skipped, to_markdown

log = logging.getLogger(__name__)

_NOTICE = """\
These are pictures of people, cropped from photographs by `python -m train prepare`.

Whoever keeps this folder is responsible for it: who may see it, how long it is kept, whether the people shown agreed,
and where copies go. Only training needs it; delete it afterwards. prepare.json beside this file names the photographs
that the crops come from.
"""


def prepare(
    images: Path,
    out: Path,
    policy: Policy | None = None,
    on_photo: Callable[[int, int], None] = lambda _done, _all: None,
    label_map: LabelMap = NO_LABEL_MAP,
) -> PreparationReport:
    """Crop the faces of photographs in class folders and write them as class folders in parts.

    Args:
        images: The folder of photographs, as :func:`train.prepare.photos.find_photos` reads it.
        out: A new folder, which is written completely or not at all. It gets ``train/``, ``validation/`` and perhaps
            ``test/`` with crops of 48 x 48 pixels as PNG (lossless), the report ``prepare.json``, and a notice.
        policy: What becomes a crop, and how crops are split.
        on_photo: Called after every file with the number of files done and their total.
        label_map: What the names of the class folders mean.

    Raises:
        InputError: ``out`` is not empty, lies in ``images`` or cannot be written, the folders are not classes or a
            published data set that needs no preparation, or a class has too few usable faces.
        ModelError: The detector cannot be opened.
    """
    policy = policy or Policy()
    check_channels(policy.channels)
    _check_place(images, out)
    if published := published_layout(images):
        raise InputError(
            str(images),
            received=f"{published} as it is published",
            expected="photographs in class folders",
            remedy="Give it to fit: it needs no preparation",
        )
    if images.is_dir() and (other := yolo_layout(images)):
        raise other
    photos = find_photos(images, policy.person, label_map)
    cropper = FaceCropper(policy)
    crops: list[FaceCrop] = []
    skipped = [
        Skipped(str(file), "no class", "it lies outside the class folders") for file in files_without_class(images)
    ]
    for done, photo in enumerate(photos, start=1):
        found = cropper.crop(photo)
        if isinstance(found, Skipped):
            skipped.append(found)
        else:
            crops += found
        on_photo(done, len(photos))
    crops, repeated = _without_repeats(crops)
    skipped = [Skipped(_relative(Path(one.file), images), one.reason, one.detail) for one in (*skipped, *repeated)]
    classes = label_order({photo.label: photo.path for photo in photos})
    try:
        if not crops:
            raise InputError(
                f"{images}",
                received=f"no usable face in {len(photos):,} files ({count_reasons(skipped)})",
                expected="some",
                remedy="If the pictures are face crops already, give them to fit: they need no preparation",
            )
        split = _parts(crops, classes, policy)
    except InputError:
        for line in lines_of_skipped(skipped):  # no report is written that could say it
            log.warning("%s", line)
        raise
    people = len({crop.photo.person for crop in crops if crop.photo.person})
    report = PreparationReport(
        images=str(images),
        detector=cropper.detector_name,
        policy={**asdict(policy), "weights": str(policy.weights or "")},
        classes=classes,
        files=len(photos) + sum(one.reason == "no class" for one in skipped),
        people=people,
        faces=tuple(
            Face(
                _name(index, crop, part),
                _relative(crop.photo.path, images),
                crop.photo.label,
                part,
                crop.photo.person,
                crop.box,
            )
            for index, (crop, part) in enumerate(zip(crops, map(str, split.parts), strict=True))
        ),
        skipped=tuple(skipped),
        notes=split.notes,
    )
    _write(out, report, [crop.pixels for crop in crops])
    return report


def _without_repeats(crops: list[FaceCrop]) -> tuple[list[FaceCrop], list[Skipped]]:
    """Leave out all but one of equal crops, preferring a named person's, and all equal crops of different classes."""
    same: dict[str, list[FaceCrop]] = defaultdict(list)
    for crop in crops:
        same[hashlib.sha256(crop.pixels.tobytes()).hexdigest()].append(crop)
    kept, skipped = [], []
    for crop in crops:
        equal = same[hashlib.sha256(crop.pixels.tobytes()).hexdigest()]
        first = next((other for other in equal if other.photo.person), equal[0])
        if len({other.photo.label for other in equal}) > 1:
            labels = " and ".join(sorted({other.photo.label for other in equal}))
            skipped.append(Skipped(str(crop.photo.path), "two classes", f"the same picture stands under {labels}"))
        elif crop is not first:
            skipped.append(Skipped(str(crop.photo.path), "duplicate", f"the same pixels as {first.photo.path.name}"))
        else:
            kept.append(crop)
    return kept, skipped


def _parts(crops: list[FaceCrop], classes: tuple[str, ...], policy: Policy) -> GroupSplit:
    """Use the owner's parts where there are any; otherwise split so that people and near-duplicates stay together."""
    owned = np.array([crop.photo.part for crop in crops], dtype="<U10")
    groups = near_duplicate_groups([crop.pixels for crop in crops], [crop.photo.person for crop in crops])
    labels = np.array([classes.index(crop.photo.label) for crop in crops], np.int64)
    notes: list[str] = []
    unassigned = np.flatnonzero(owned == "")
    if owned.any():
        _check_owned(owned, labels, classes)
        held_out = owned != TRAIN
        shared = int(np.isin(groups[held_out], groups[~held_out]).sum())
        notes.append(
            f"The parts are the owner's: {shared} of {int(held_out.sum())} faces outside training show a person or "
            "moment that is also in it."
        )
        if VALIDATION not in owned:
            unassigned = np.flatnonzero(owned == TRAIN)
    if unassigned.size:
        split = split_by_groups(
            groups[unassigned],
            labels[unassigned],
            classes,
            validation=policy.validation,
            test=0.0 if owned.any() else policy.test,
            seed=policy.seed,
        )
        owned[unassigned] = split.parts
        notes += split.notes
        named = sum(bool(crops[row].photo.person) for row in unassigned)
        if named < unassigned.size:
            notes.append(
                f"The person shown is known for {named} of {unassigned.size} faces. Of the others only near-duplicates "
                "were kept together, so one person may be in two parts."
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


def _name(index: int, crop: FaceCrop, part: str) -> str:
    """A crop's path below the output folder: a unique number, then the person and the name of the photograph."""
    words = "-".join(filter(None, (crop.photo.person, crop.photo.path.stem)))
    return f"{part}/{crop.photo.label}/{index:05d}-{re.sub(r'[^A-Za-z0-9_-]+', '-', words)[:80]}.png"


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
    check_place_for(_staging(out), makes_folders=True)


def _staging(out: Path) -> Path:
    """Where the folder is written before it takes its place."""
    return out.with_name(f".{out.name}.part")


def _write(out: Path, report: PreparationReport, crops: list[NDArray[np.uint8]]) -> None:
    staging = _staging(out)
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
        (staging / "prepare.md").write_text(to_markdown(report, None), encoding="utf-8")
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
