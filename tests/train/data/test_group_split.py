"""Splitting by groups: together what belongs together, every class everywhere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge_agent.errors import InputError
from train.data.group_split import split_by_groups
from train.data.near_duplicates import near_duplicate_groups


def shares(parts: NDArray[np.str_]) -> dict[str, float]:
    return {str(part): float(np.mean(parts == part)) for part in np.unique(parts)}


def test_many_people_come_near_the_shares_wanted() -> None:
    random = np.random.default_rng(0)
    people, labels = random.integers(0, 40, 1000), random.integers(0, 4, 1000)
    split = split_by_groups(people, labels, ("a", "b", "c", "d"), validation=0.2, test=0.1)
    assert shares(split.parts) == pytest.approx({"train": 0.7, "validation": 0.2, "test": 0.1}, abs=0.03)
    assert split.notes == ()


@settings(max_examples=200)
@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 2)), min_size=1, max_size=40), st.sampled_from([0.0, 0.15]))
def test_every_part_has_every_class_and_groups_stay_together_unless_a_note_says_so(
    pictures: list[tuple[int, int]], test: float
) -> None:
    groups, labels = (np.array(column, np.int64) for column in zip(*pictures, strict=True))
    try:
        split = split_by_groups(groups, labels, ("a", "b", "c"), validation=0.15, test=test)
    except InputError:
        assert any((labels == label).sum() < 2 for label in range(3))
        return
    for part in np.unique(split.parts):
        assert set(labels[split.parts == part]) == {0, 1, 2}
    assert {"train", "validation"} <= set(split.parts)
    if not any("one by one" in note for note in split.notes):
        assert all(len(set(split.parts[groups == group])) == 1 for group in set(groups))
    assert (not test or "test" in split.parts) or any("no test part" in note for note in split.notes)


def test_a_class_of_one_person_is_split_by_picture_and_that_is_said() -> None:
    groups = np.array([0, 0, 0, 0, 1, 2, 3, 4])
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    split = split_by_groups(groups, labels, ("alone", "many"), validation=0.25, test=0.0)
    assert len(set(split.parts[:4])) == 2
    assert "All pictures of alone are of one person" in split.notes[0]


def test_frames_of_one_moment_are_near_duplicates_and_different_faces_are_not() -> None:
    random = np.random.default_rng(3)
    faces = [np.kron(random.integers(40, 220, (8, 8)), np.ones((6, 6))).astype(np.uint8) for _ in range(2)]
    again = np.clip(faces[0].astype(np.int64) * 0.9 + random.integers(-6, 7, (48, 48)), 0, 255).astype(np.uint8)
    assert near_duplicate_groups([faces[0], faces[1], again]).tolist() == [0, 1, 0]


def test_known_people_join_what_is_not_similar() -> None:
    random = np.random.default_rng(3)
    faces = [random.integers(0, 255, (48, 48, 3)).astype(np.uint8) for _ in range(4)]
    assert near_duplicate_groups(faces, ["anna", "", "anna", ""]).tolist() == [0, 1, 0, 2]
