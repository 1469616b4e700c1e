"""Which faces to train on and which to validate and test on: named protocols, independent of any file format.

A protocol is written as its name and options, ``ckplus_by_subject fold=3 folds=10``. So it stands in recipes and
records, and :func:`make_split` gives the same rows for the same words.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edge_agent.errors import InputError
from edge_agent.model_format.labels import FER2013
from train.data.dataset import FaceSet, Split

_NONE = np.empty(0, np.int64)

_FER2013_WORDS = ("Training", "PublicTest", "PrivateTest")
"""What FER2013's table calls its parts for training, validation and test."""

_MIN_IMAGES = 3
"""Images of some class that a split by chance into three parts needs."""


def fer2013_paper(faces: FaceSet) -> Split:
    """FER2013 as in the paper: train on Training, validate on PublicTest and PrivateTest together (7,178 images).

    Takes Kaggle's table, or its copy in folders, whose ``test/`` holds both.

    Raises:
        InputError: The set lacks Training or PublicTest.
    """
    if faces.classes == FER2013 and {"train", "test"} <= set(faces.usage):
        note = "Validated on test/, where the copy in folders holds PublicTest and PrivateTest together."
        return Split(
            "fer2013-paper", np.flatnonzero(faces.usage == "train"), np.flatnonzero(faces.usage == "test"), _NONE, note
        )
    train, public = _published(faces, "Training", "fer2013-paper"), _published(faces, "PublicTest", "fer2013-paper")
    private = np.flatnonzero(faces.usage == "PrivateTest")
    note = "" if private.size else "Validated on PublicTest alone: PrivateTest is not in the data."
    return Split("fer2013-paper", train, np.sort(np.concatenate([public, private])), _NONE, note)


def fer2013_official(faces: FaceSet) -> Split:
    """FER2013 as in its contest: train on Training, validate on PublicTest, test on PrivateTest once.

    Raises:
        InputError: The set lacks Training or PublicTest.
    """
    name = "fer2013-official"
    train, public = _published(faces, "Training", name), _published(faces, "PublicTest", name)
    private = np.flatnonzero(faces.usage == "PrivateTest")
    return Split(name, train, public, private, "" if private.size else "No test: PrivateTest is not in the data.")


def ckplus_by_image(faces: FaceSet, *, seed: int = 0) -> Split:
    """CK+ as in the paper: a third of each class is drawn by image, so neighbouring frames are on both sides.

    Raises:
        InputError: The set does not name recordings, or is too small.
    """
    _need(faces, faces.sequence, "sequences", "ckplus-by-image")
    held_out = _draw_by_class(faces, np.arange(len(faces)), 1 / 3, seed)
    split = Split(f"ckplus-by-image seed={seed}", _others(faces, held_out), held_out, _NONE)
    seen = siblings_in_train(faces, split)
    note = (
        f"{seen} of {len(held_out)} held-out images ({seen / len(held_out):.0%}) have a frame of the same recording in "
        "training, so this measures recognition of frames more than of expressions."
    )
    return Split(split.protocol, split.train, split.validation, split.test, note)


def ckplus_by_subject(faces: FaceSet, *, fold: int = 0, folds: int = 10, seed: int = 0) -> Split:
    """Subject-independent: persons are assigned to ``folds`` folds of similar size and mix; one fold is held out.

    Raises:
        InputError: The set does not name subjects, has fewer of them than folds, or has no such fold.
    """
    _need(faces, faces.subject, "subjects", "ckplus-by-subject")
    fold_of = assign_folds(faces, folds, seed)
    if not 0 <= fold < folds:
        raise InputError("fold", received=fold, expected=f"0 to {folds - 1}")
    held_out = np.flatnonzero(fold_of == fold)
    note = f"Nobody is on both sides; fold {fold} of 0 to {folds - 1}."
    protocol = f"ckplus-by-subject fold={fold} folds={folds} seed={seed}"
    return Split(protocol, _others(faces, held_out), held_out, _NONE, note)


def own_split(faces: FaceSet, *, seed: int = 0) -> Split:
    """The folders' own train, validation and test; without validation, a tenth of each training class is drawn for it.

    Raises:
        InputError: There is no train folder, or nothing to validate on.
    """
    words = _FER2013_WORDS if "Training" in faces.usage else ("train", "validation", "test")
    train = _published(faces, words[0], "own-split")
    validation, test = (np.flatnonzero(faces.usage == word) for word in words[1:])
    note = ""
    if not validation.size:
        validation = _draw_by_class(faces, train, 1 / 10, seed)
        train = np.setdiff1d(train, validation)
        note = "There is no part for validation: a tenth of each training class was drawn for it."
    return Split(f"own-split seed={seed}", train, validation, test, note)


def random_by_class(faces: FaceSet, *, seed: int = 0) -> Split:
    """For folders without splits: a tenth of each class for validation and a tenth for the test, drawn by image.

    Raises:
        InputError: No class has enough images.
    """
    if np.bincount(faces.labels).max() < _MIN_IMAGES:
        raise InputError(
            faces.name,
            received=f"{len(faces)} images, at most {np.bincount(faces.labels).max()} of a class",
            expected=f"{_MIN_IMAGES} of a class at least: for training, validation and test",
            remedy="Add images, or sort them into train/ and test/ yourself",
        )
    test = _draw_by_class(faces, np.arange(len(faces)), 1 / 10, seed)
    rest = _others(faces, test)
    validation = _draw_by_class(faces, rest, 1 / 9, seed)
    note = "Drawn by image: where pictures show the same person or moment, figures are better than on strangers."
    return Split(f"random-by-class seed={seed}", np.setdiff1d(rest, validation), validation, test, note)


def training_only(faces: FaceSet) -> Split:
    """For further data sets of a training: the publisher's training part, or every face where there are no parts.

    Nothing is held out. The publisher's validation and test parts are left out, so they stay fit to measure on.

    Raises:
        InputError: The publisher's parts are there and none is for training.
    """
    parts = [part for part in ("Training", "train") if part in faces.usage]
    unparted = not any(map(str, faces.usage))
    rows = np.arange(len(faces)) if unparted else _published(faces, parts[0] if parts else "train", "training-only")
    return Split("training-only", rows, _NONE, _NONE)


def _name_of(protocol: Callable[..., Split]) -> str:
    return protocol.__name__.replace("_", "-")


PROTOCOLS: dict[str, Callable[..., Split]] = {
    _name_of(protocol): protocol
    for protocol in (
        fer2013_paper,
        fer2013_official,
        ckplus_by_image,
        ckplus_by_subject,
        own_split,
        random_by_class,
        training_only,
    )
}
"""Every protocol by name. Its keyword arguments are its options, whole numbers with defaults."""


def default_protocol(faces: FaceSet) -> str:
    """The customary protocol of a set: the paper's for FER2013's table and CK+48, else the data's own parts, else one
    drawn."""
    if {"Training", "PublicTest"} <= set(faces.usage):
        return _name_of(fer2013_paper)
    if any(map(str, faces.usage)):  # where there is no train among the parts, it says so
        return _name_of(own_split)
    return _name_of(ckplus_by_image) if _all_known(faces.sequence) else _name_of(random_by_class)


def make_split(faces: FaceSet, protocol: str = "") -> Split:
    """Split a set by the words of a protocol: a name, then options as ``key=number``; empty for the customary one.

    Raises:
        InputError: There is no such protocol or option, or it does not suit the set.
    """
    name, *words = (protocol or default_protocol(faces)).split()
    rule = PROTOCOLS.get(name)
    if rule is None:
        raise InputError("protocol", received=repr(name), expected=f"one of {', '.join(PROTOCOLS)}")
    known = rule.__kwdefaults__ or {}
    options: dict[str, int] = {}
    for word in words:
        key, _, value = word.partition("=")
        if key not in known or not value.isdecimal():
            raise InputError(
                f"protocol {name}",
                received=repr(word),
                expected=" ".join(f"{option}={default}" for option, default in known.items()) or "no options",
            )
        options[key] = int(value)
    return rule(faces, **options)


def limit_training(split: Split, labels: NDArray[np.int64], limit: int, seed: int) -> Split:
    """A split with at most ``limit`` training images, drawn so that the classes keep their shares; all where it is 0.

    Each class keeps one image at least, as far as ``limit`` allows.
    """
    if not limit or limit >= len(split.train):
        return split
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(split.train)
    rank = np.empty(len(shuffled))
    for label in np.unique(labels[shuffled]):
        members = np.flatnonzero(labels[shuffled] == label)
        # The first of each class come first of all, then each class in steps of its size.
        rank[members] = np.arange(len(members)) / len(members)
    drawn = np.sort(shuffled[np.argsort(rank, kind="stable")[:limit]])
    return replace(split, train=drawn, note=f"{split.note} Trained on {limit} of {len(split.train)} images.".strip())


def siblings_in_train(faces: FaceSet, split: Split) -> int:
    """How many held-out images (validation and test) have another frame of the same recording in training."""
    held_out = faces.sequence[np.concatenate([split.validation, split.test])]
    return int(np.isin(held_out[held_out != ""], faces.sequence[split.train]).sum())


def assign_folds(faces: FaceSet, folds: int, seed: int = 0) -> NDArray[np.int64]:
    """Assign subjects to folds, largest first, each to the fold where it keeps the classes most even.

    Fold sizes differ by no more images than the largest subject has.

    Returns:
        ``int64 (N,)``: the fold of each image.

    Raises:
        InputError: There are fewer than two folds, or fewer subjects than folds.
    """
    subjects, owner = np.unique(faces.subject, return_inverse=True)
    if not 2 <= folds <= len(subjects):
        raise InputError("folds", received=folds, expected=f"2 to {len(subjects)}, the number of subjects")
    counts = np.zeros((len(subjects), len(faces.classes)), np.int64)
    np.add.at(counts, (owner, faces.labels), 1)
    sizes = counts.sum(axis=1)
    shuffled = np.random.default_rng(seed).permutation(len(subjects))
    largest_first = shuffled[np.argsort(-sizes[shuffled], kind="stable")]
    weights = 1 / np.maximum(counts.sum(axis=0), 1)
    held = np.zeros((folds, len(faces.classes)), np.int64)
    fold_of = np.empty(len(subjects), np.int64)
    for subject in largest_first:
        filled = held.sum(axis=1)
        eligible = filled + sizes[subject] <= filled.min() + sizes.max()
        # Adding c to n raises the sum of squares by 2nc + c^2, and c^2 is the same for every fold.
        rise = (held * counts[subject] * weights).sum(axis=1)
        best = min(np.flatnonzero(eligible), key=lambda fold: (rise[fold], filled[fold], fold))
        held[best] += counts[subject]
        fold_of[subject] = best
    assigned: NDArray[np.int64] = fold_of[owner]
    return assigned


def _published(faces: FaceSet, usage: str, protocol: str) -> NDArray[np.int64]:
    rows = np.flatnonzero(faces.usage == usage)
    if not rows.size:
        found = ", ".join(sorted(set(filter(None, map(str, faces.usage))))) or "no splits"
        raise InputError(
            f"{faces.name}, protocol {protocol}",
            received=found,
            expected=f"images of the split {usage}",
            remedy="Use the whole data set or another protocol",
        )
    return rows


def _need(faces: FaceSet, values: NDArray[np.str_], what: str, protocol: str) -> None:
    if not _all_known(values):
        raise InputError(
            f"{faces.name}, protocol {protocol}",
            received=f"images that do not say their {what}",
            expected="CK+48, whose file names do",
            remedy="Use another protocol",
        )


def _all_known(values: NDArray[np.str_]) -> bool:
    return bool(values.size) and bool((values != "").all())


def _draw_by_class(faces: FaceSet, rows: NDArray[np.int64], share: float, seed: int) -> NDArray[np.int64]:
    """A share of each class among the rows, rounded; at least one image of a class that has two."""
    rng = np.random.default_rng(seed)
    drawn = []
    for label in range(len(faces.classes)):
        members = rows[faces.labels[rows] == label]
        wanted = max(round(len(members) * share), 1) if len(members) > 1 else 0
        drawn.append(rng.permutation(members)[:wanted])
    found = np.sort(np.concatenate(drawn))
    if not found.size:
        raise InputError(faces.name, received=f"{len(rows)} images to split", expected="two of a class at least")
    return found


def _others(faces: FaceSet, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.setdiff1d(np.arange(len(faces)), rows)
