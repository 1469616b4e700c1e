"""Counts, duplicates and siblings of a data set."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.train.data.files import face, face_set
from train.data import load
from train.data.dataset import FaceSet, Split
from train.data.describe import Overlap, describe, to_markdown
from train.data.splits import ckplus_by_image


@pytest.fixture
def faces() -> FaceSet:
    """Six faces in two parts: images 0, 1 and 4 are equal, and so are 3 and 5, under two classes."""
    images = np.stack([face(seed, 48, 48, 1) for seed in (0, 0, 1, 2, 0, 2)])
    return face_set([0, 0, 1, 1, 0, 0], classes=("keen", "bored"), usage=["train"] * 4 + ["test"] * 2, images=images)


def test_images_are_counted_by_published_part_and_class(faces: FaceSet) -> None:
    assert describe(faces).counts == {"train": {"keen": 2, "bored": 2}, "test": {"keen": 2, "bored": 0}}


def test_a_given_split_is_counted_instead(faces: FaceSet) -> None:
    split = Split("made", train=np.array([0, 2]), validation=np.array([1, 3, 4, 5]), test=np.array([], np.int64))
    description = describe(faces, split)
    assert description.counts == {"train": {"keen": 1, "bored": 1}, "validation": {"keen": 3, "bored": 1}}
    assert description.protocol == "made"


def test_a_set_without_parts_is_counted_by_its_customary_protocol() -> None:
    description = describe(face_set([0] * 10 + [1] * 10, classes=("keen", "bored")))
    assert description.protocol == "random-by-class seed=0"
    assert description.counts["train"] == {"keen": 8, "bored": 8}


def test_exact_duplicates_are_counted_within_and_across_parts(faces: FaceSet) -> None:
    description = describe(faces)
    assert description.repeated == {"train": 1, "test": 0}
    assert description.overlaps == (Overlap(2, of="test", also_in="train"),)


def test_equal_pictures_of_two_classes_are_counted(faces: FaceSet) -> None:
    assert describe(faces).contradicted == 2


def test_pictures_that_differ_in_one_pixel_are_no_duplicates() -> None:
    images = np.stack([face(0, 48, 48, 1), face(0, 48, 48, 1)])
    images[1, 47, 47, 0] ^= 1
    assert describe(face_set([0, 0], usage=["train"] * 2, images=images)).repeated == {"train": 0}


def test_siblings_are_counted_only_where_recordings_are_known(faces: FaceSet) -> None:
    recorded = face_set([0, 0, 0], sequence=["S1_1"] * 3, subject=["S1"] * 3)
    assert describe(recorded).siblings == 1
    assert describe(faces).siblings is None


def test_a_description_is_shown_as_tables(faces: FaceSet) -> None:
    assert to_markdown(describe(faces)) == (
        """# made

6 gray images in 2 classes.

| class | train | test | total |
| ----- | ----: | ---: | ----: |
| keen  |     2 |    2 |     4 |
| bored |     2 |    0 |     2 |
| total |     4 |    2 |     6 |

| exact duplicates       | images |
| ---------------------- | -----: |
| again within train     |      1 |
| again within test      |      0 |
| of test, also in train |      2 |
| under two classes      |      2 |

Unreadable: none.
"""
    )


def test_unreadable_files_are_listed_and_a_long_list_is_cut(faces: FaceSet) -> None:
    text = to_markdown(describe(replace(faces, unreadable=tuple(f"file {index}" for index in range(1, 1025)))))
    assert "Unreadable: 1,024." in text
    assert "- file 20\n- and 1,004 more" in text


def test_a_split_by_image_comes_with_its_share_of_siblings() -> None:
    text = to_markdown(describe(face_set([0, 0, 0], sequence=["S1_1"] * 3, subject=["S1"] * 3)))
    assert "1 subjects in 1 recordings." in text
    assert "1 of 1 held-out images (100.0%) have another frame of the same recording in training." in text


def test_a_description_is_json(faces: FaceSet) -> None:
    described = json.loads(json.dumps(describe(faces).to_json()))
    assert described["counts"]["test"]["keen"] == 2
    assert described["overlaps"] == [{"images": 2, "of": "test", "also_in": "train"}]


def test_the_real_ck_plus_has_no_duplicates_and_three_frames_a_recording(data_dir: Path) -> None:
    faces = load(data_dir / "ck48")
    description = describe(faces, ckplus_by_image(faces))
    assert sum(description.repeated.values()) + sum(overlap.images for overlap in description.overlaps) == 0
    assert (description.subjects, description.sequences) == (118, 327)
    assert description.unreadable == ()
