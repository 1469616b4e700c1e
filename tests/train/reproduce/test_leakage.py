"""Leakage of a split, measured without any network."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.train.data.files import face_set
from tests.train.reproduce.made import write_ckplus
from train.data import load
from train.data.dataset import Split
from train.data.splits import make_split
from train.reproduce.leakage import measure_leakage, nearest_neighbour_correct


def test_the_nearest_training_image_gives_the_label() -> None:
    images = np.zeros((4, 48, 48, 1), np.uint8)
    images[1], images[2], images[3] = 200, 190, 20
    faces = face_set([0, 1, 1, 1], images=images)
    split = Split("made", train=np.array([0, 1]), validation=np.array([2, 3]), test=np.array([], np.int64))
    assert nearest_neighbour_correct(faces, split) == 1


def test_frames_on_both_sides_are_found_by_pixels_and_strangers_are_not(tmp_path: Path) -> None:
    faces = load(write_ckplus(tmp_path / "CK+48", frames=3))
    by_image = measure_leakage(faces, make_split(faces, "ckplus-by-image seed=1"), "paper", 0)
    by_subject = measure_leakage(faces, make_split(faces, "ckplus-by-subject fold=0 folds=5"), "subject", 5)
    assert by_image.nearest_correct >= by_image.siblings > 0.8 * by_image.images
    assert by_subject.siblings == 0


def test_pixels_alone_get_far_on_the_papers_split_of_ckplus_and_not_among_strangers(data_dir: Path) -> None:
    faces = load(data_dir / "ck48" / "CK+48")
    by_image = measure_leakage(faces, make_split(faces, "ckplus-by-image seed=1"), "paper", 0)
    folds = [
        measure_leakage(faces, make_split(faces, f"ckplus-by-subject fold={fold} folds=10 seed=1"), "subject", 10)
        for fold in range(10)
    ]
    assert (by_image.images, sum(one.images for one in folds)) == (327, 981)
    assert by_image.nearest_correct / by_image.images > 0.85
    assert sum(one.nearest_correct for one in folds) / 981 < 0.65
