"""Group split: groups of pictures to training, validation and test, so that no group is in two of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_agent.errors import InputError

TRAIN, VALIDATION, TEST = "train", "validation", "test"


@dataclass(frozen=True)
class GroupSplit:
    """Which part each picture belongs to.

    Attributes:
        parts: ``(N,)`` strings.
        notes: What someone who reads results on these parts must know.
    """

    parts: NDArray[np.str_]
    notes: tuple[str, ...]


def split_by_groups(
    groups: NDArray[np.int64],
    labels: NDArray[np.int64],
    classes: tuple[str, ...],
    *,
    validation: float,
    test: float,
    seed: int = 0,
) -> GroupSplit:
    """Assign whole groups, largest first, each to the part that needs its classes most; every part gets every class.

    A class whose pictures are all of one group is split picture by picture, with a note: there is no other way to have
    it in training and validation. Without three groups of each class there is no test part, with a note.

    Args:
        groups: ``int64 (N,)``: pictures that must stay together share a number.
        labels: ``int64 (N,)``, indices into ``classes``.
        classes: Label names.
        validation: Share of each class wanted for validation, 0 to 1.
        test: Likewise for the test; 0 for none.
        seed: Of the order among groups of like size.

    Raises:
        InputError: A class has fewer than two pictures.
    """
    notes: list[str] = []
    for label, name in enumerate(classes):
        found = int((labels == label).sum())
        if found < 2:
            faces = f"{found} usable face{'' if found == 1 else 's'}"
            raise InputError(
                f"class {name}",
                received=faces,
                expected="two or more",
                remedy="Add photographs of it, or leave the class out",
            )
    together = _divide_only_groups(groups, labels, classes, notes)
    sets = np.array([len(set(together[labels == label])) for label in range(len(classes))])
    if test and sets.min() < 3:
        scarce = ", ".join(name for name, count in zip(classes, sets, strict=True) if count < 3)
        notes.append(f"There is no test part: it would need three separate people or moments of {scarce}.")
        test = 0.0
    assigned = _assign(together, labels, len(classes), validation, test, seed)
    if assigned is None and test:
        notes.append("There is no test part: no choice of whole people and moments gave every part every class.")
        assigned = _assign(together, labels, len(classes), validation, 0.0, seed)
    if assigned is None:
        notes.append(
            "No choice of whole people and moments gave training and validation every class, so pictures were split "
            "one by one: results on validation are better than on strangers."
        )
        assigned = _assign(np.arange(len(labels)), labels, len(classes), validation, 0.0, seed)
    assert assigned is not None
    return GroupSplit(np.array([TRAIN, VALIDATION, TEST])[assigned], tuple(notes))


def _assign(
    groups: NDArray[np.int64], labels: NDArray[np.int64], classes: int, validation: float, test: float, seed: int
) -> NDArray[np.int64] | None:
    """The part of each picture as a number, or None where a part would lack a class."""
    shares = np.array([1.0 - validation - test, validation, test] if test else [1.0 - validation, validation])
    owner = np.unique(groups, return_inverse=True)[1]
    counts = np.zeros((owner.max() + 1, classes), np.int64)
    np.add.at(counts, (owner, labels), 1)
    part_of = _complete(_greedy(counts, shares, seed), counts, len(shares))
    complete = all(counts[part_of == part].sum(axis=0).all() for part in range(len(shares)))
    return part_of[owner] if complete else None


def _divide_only_groups(
    groups: NDArray[np.int64], labels: NDArray[np.int64], classes: tuple[str, ...], notes: list[str]
) -> NDArray[np.int64]:
    """The groups, with each group that is the only one of a class divided into single pictures."""
    groups = groups.copy()
    for label, name in enumerate(classes):
        of_class = labels == label
        held = np.unique(groups[of_class])
        if len(held) == 1:
            inside = np.flatnonzero(groups == held[0])
            groups[inside] = groups.max() + 1 + np.arange(len(inside))
            notes.append(
                f"All pictures of {name} are of one person or moment, so they were split one by one: results on "
                "validation are better than on strangers."
            )
    return groups


def _greedy(counts: NDArray[np.int64], shares: NDArray[np.float64], seed: int) -> NDArray[np.int64]:
    totals = counts.sum(axis=0)
    wanted = shares[:, None] * totals
    shuffled = np.random.default_rng(seed).permutation(len(counts))
    part_of = np.empty(len(counts), np.int64)
    for group in shuffled[np.argsort(-counts[shuffled].sum(axis=1), kind="stable")]:
        worth = ((wanted / totals) * counts[group]).sum(axis=1)
        part_of[group] = int(np.argmax(worth))
        wanted[part_of[group]] -= counts[group]
    return part_of


def _complete(part_of: NDArray[np.int64], counts: NDArray[np.int64], parts: int) -> NDArray[np.int64]:
    """Move the smallest groups that bring a missing class into a part without taking it from another."""
    for part in range(parts):
        for label in range(counts.shape[1]):
            if counts[part_of == part, label].any():
                continue
            for group in sorted(np.flatnonzero(counts[:, label]), key=lambda group: counts[group].sum()):
                left = (part_of == part_of[group]) & (np.arange(len(counts)) != group)
                if (counts[left].sum(axis=0) > 0)[counts[group] > 0].all():
                    part_of[group] = part
                    break
    return part_of
