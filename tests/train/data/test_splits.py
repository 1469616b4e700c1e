"""Protocols: what they promise for any set, and what they give on the real ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.errors import InputError
from edge_agent.model_format.labels import CK_PLUS, FER2013
from tests.train.data.files import face_set
from train.data import load
from train.data.dataset import FaceSet, Split
from train.data.splits import (
    PROTOCOLS,
    assign_folds,
    ckplus_by_image,
    ckplus_by_subject,
    default_protocol,
    fer2013_official,
    fer2013_paper,
    make_split,
    own_split,
    random_by_class,
    siblings_in_train,
)


def bare(labels: list[int], **strings: list[str]) -> FaceSet:
    """A set whose pictures do not matter, so they are small."""
    return face_set(labels, classes=CK_PLUS, images=np.zeros((len(labels), 1, 1, 1), np.uint8), **strings)


@st.composite
def recordings(draw: st.DrawFn) -> FaceSet:
    """A set like CK+: subjects with some recordings of one class each, of one to three frames."""
    labels, sequence, subject = [], [], []
    for person in range(draw(st.integers(2, 12))):
        for recording in range(draw(st.integers(1, 4))):
            label, frames = draw(st.integers(0, 6)), draw(st.integers(1, 3))
            labels += [label] * frames
            subject += [f"S{person}"] * frames
            sequence += [f"S{person}_{recording}"] * frames
    return bare(labels, sequence=sequence, subject=subject)


@st.composite
def published(draw: st.DrawFn) -> FaceSet:
    """A set with folders' splits, two training images of a class at least."""
    usage = ["train", "train", *draw(st.lists(st.sampled_from(["train", "validation", "test"]), max_size=60))]
    labels = [0, 0, *draw(st.lists(st.integers(0, 6), min_size=len(usage) - 2, max_size=len(usage) - 2))]
    return bare(labels, usage=usage)


def assert_partition(faces: FaceSet, split: Split) -> None:
    rows = np.concatenate([split.train, split.validation, split.test])
    assert sorted(rows) == list(range(len(faces)))


@settings(max_examples=40)
@given(published(), st.integers(0, 5))
def test_own_split_covers_the_set_once(faces: FaceSet, seed: int) -> None:
    assert_partition(faces, own_split(faces, seed=seed))


@settings(max_examples=40)
@given(published(), st.integers(0, 5))
def test_own_split_leaves_the_test_images_alone(faces: FaceSet, seed: int) -> None:
    assert set(faces.usage[own_split(faces, seed=seed).test]) <= {"test"}


@settings(max_examples=40)
@given(recordings(), st.integers(0, 5))
def test_drawing_by_class_covers_the_set_once(faces: FaceSet, seed: int) -> None:
    whole = bare([*faces.labels.tolist(), 0, 0, 0])
    assert_partition(whole, random_by_class(whole, seed=seed))


@settings(max_examples=40)
@given(recordings(), st.integers(0, 5))
def test_the_papers_ck_plus_split_holds_out_a_third_of_each_class(faces: FaceSet, seed: int) -> None:
    twice = faces.take(np.repeat(np.arange(len(faces)), 2))
    split = ckplus_by_image(twice, seed=seed)
    assert_partition(twice, split)
    whole = np.bincount(twice.labels, minlength=7)
    held_out = np.bincount(twice.labels[split.validation], minlength=7)
    assert all(abs(part - third) <= 0.5 for part, third in zip(held_out, whole / 3, strict=True))


@settings(max_examples=40)
@given(recordings(), st.integers(2, 12), st.integers(0, 5))
def test_folds_cover_the_set_once_and_share_no_subject(faces: FaceSet, folds: int, seed: int) -> None:
    folds = min(folds, len(set(faces.subject)))
    held_out = []
    for fold in range(folds):
        split = ckplus_by_subject(faces, fold=fold, folds=folds, seed=seed)
        assert_partition(faces, split)
        assert not set(faces.subject[split.train]) & set(faces.subject[split.validation])
        assert siblings_in_train(faces, split) == 0
        held_out += split.validation.tolist()
    assert sorted(held_out) == list(range(len(faces)))


@settings(max_examples=40)
@given(recordings(), st.integers(2, 12), st.integers(0, 5))
def test_fold_sizes_differ_by_no_more_than_the_largest_subject(faces: FaceSet, folds: int, seed: int) -> None:
    folds = min(folds, len(set(faces.subject)))
    sizes = np.bincount(assign_folds(faces, folds, seed), minlength=folds)
    assert sizes.max() - sizes.min() <= np.unique(faces.subject, return_counts=True)[1].max()


@settings(max_examples=40)
@given(recordings(), st.sampled_from(["ckplus-by-image", "ckplus-by-subject folds=2", "random-by-class"]))
def test_the_words_of_a_split_make_it_again(faces: FaceSet, words: str) -> None:
    twice = faces.take(np.repeat(np.arange(len(faces)), 3))
    first = make_split(twice, words)
    again = make_split(twice, first.protocol)
    assert again.protocol == first.protocol
    assert np.array_equal(again.train, first.train)
    assert np.array_equal(again.validation, first.validation)


FER_USAGE = ["Training"] * 3 + ["PublicTest"] * 2 + ["PrivateTest"]


def test_the_paper_validates_on_both_test_splits() -> None:
    split = fer2013_paper(face_set([0] * 6, usage=FER_USAGE))
    assert [split.train.tolist(), split.validation.tolist(), split.test.tolist()] == [[0, 1, 2], [3, 4, 5], []]
    assert split.note == ""


def test_the_paper_validates_on_public_test_alone_where_there_is_no_other_and_says_so() -> None:
    split = fer2013_paper(face_set([0] * 5, usage=FER_USAGE[:5]))
    assert split.validation.tolist() == [3, 4]
    assert "PrivateTest is not in the data" in split.note


def test_the_papers_protocol_takes_the_copy_in_folders() -> None:
    split = fer2013_paper(face_set([0, 1, 2], usage=["train", "test", "train"]))
    assert [split.train.tolist(), split.validation.tolist()] == [[0, 2], [1]]


def test_the_papers_protocol_refuses_folders_of_other_classes() -> None:
    with pytest.raises(InputError, match="got test, train, expected images of the split Training"):
        fer2013_paper(face_set([0, 1, 0], usage=["train", "test", "train"], classes=("bored", "keen")))


def test_the_official_split_tests_on_private_test() -> None:
    split = fer2013_official(face_set([0] * 6, usage=FER_USAGE))
    assert [split.validation.tolist(), split.test.tolist()] == [[3, 4], [5]]


def test_the_official_split_says_when_there_is_nothing_to_test_on() -> None:
    split = fer2013_official(face_set([0] * 5, usage=FER_USAGE[:5]))
    assert split.test.size == 0
    assert "No test" in split.note


@pytest.mark.parametrize("protocol", ["fer2013-paper", "fer2013-official"])
@pytest.mark.parametrize("usage", [["Training"] * 2, ["PublicTest"] * 2])
def test_a_missing_split_is_reported(protocol: str, usage: list[str]) -> None:
    with pytest.raises(InputError, match=f"{protocol}: got {usage[0]}, expected images of the split"):
        make_split(face_set([0, 0], usage=usage), protocol)


def test_own_split_uses_a_validation_folder_as_it_is() -> None:
    split = own_split(face_set([0, 1, 0], usage=["train", "train", "validation"]))
    assert split.validation.tolist() == [2]
    assert split.note == ""


def test_own_split_draws_a_tenth_of_each_training_class_where_there_is_no_validation_folder() -> None:
    faces = face_set(
        [0] * 20 + [1] * 40 + [0], usage=["train"] * 60 + ["test"], images=np.zeros((61, 48, 48, 1), np.uint8)
    )
    split = own_split(faces)
    assert np.bincount(faces.labels[split.validation]).tolist() == [2, 4]
    assert split.test.tolist() == [60]
    assert "a tenth of each training class" in split.note


def test_another_seed_draws_other_images() -> None:
    faces = bare([0] * 30, sequence=["a"] * 30)
    assert not np.array_equal(ckplus_by_image(faces, seed=0).validation, ckplus_by_image(faces, seed=1).validation)


def test_siblings_are_counted_by_recording() -> None:
    faces = bare([0] * 5, sequence=["a", "a", "b", "b", "c"])
    split = Split("made", train=np.array([0]), validation=np.array([1, 2]), test=np.array([3, 4]))
    assert siblings_in_train(faces, split) == 1


def test_images_without_a_recording_have_no_siblings() -> None:
    split = Split("made", train=np.array([0]), validation=np.array([1]), test=np.array([], np.int64))
    assert siblings_in_train(bare([0, 0]), split) == 0


@pytest.mark.parametrize(
    ("faces", "protocol"),
    [
        pytest.param(face_set([0, 0], usage=["Training", "PublicTest"]), "fer2013-paper", id="FER2013"),
        pytest.param(face_set([0, 0], usage=["Training", "PrivateTest"]), "own-split", id="a part of FER2013"),
        pytest.param(face_set([0], usage=["train"]), "own-split", id="folders with splits"),
        pytest.param(face_set([0], usage=["test"]), "own-split", id="a test part alone, which is not trained on"),
        pytest.param(face_set([0], sequence=["S1_1"]), "ckplus-by-image", id="CK+"),
        pytest.param(face_set([0]), "random-by-class", id="plain folders"),
    ],
)
def test_every_data_set_has_its_customary_protocol(faces: FaceSet, protocol: str) -> None:
    assert default_protocol(faces) == protocol


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("by_magic", "protocol: got 'by_magic', expected one of fer2013-paper, "),
        ("fer2013-paper seed=1", "protocol fer2013-paper: got 'seed=1', expected no options"),
        ("ckplus-by-subject fold=-1", "got 'fold=-1', expected fold=0 folds=10 seed=0"),
        ("ckplus-by-subject fold=2 folds=2", "fold: got 2, expected 0 to 1"),
        ("ckplus-by-subject folds=1", "folds: got 1, expected 2 to 3, the number of subjects"),
        ("ckplus-by-subject folds=4", "folds: got 4, expected 2 to 3"),
    ],
)
def test_wrong_words_are_reported(words: str, message: str) -> None:
    faces = bare([0, 0, 0], subject=["a", "b", "c"], sequence=["a", "b", "c"])
    with pytest.raises(InputError, match=message):
        make_split(faces, words)


@pytest.mark.parametrize("protocol", ["ckplus-by-image", "ckplus-by-subject"])
def test_a_set_without_known_subjects_is_refused(protocol: str) -> None:
    with pytest.raises(InputError, match="images that do not say their"):
        make_split(face_set([0, 0]), protocol)


def test_a_set_too_small_to_draw_from_is_refused() -> None:
    with pytest.raises(InputError, match="got 2 images, at most 1 of a class, expected 3 of a class at least"):
        random_by_class(face_set([0, 1], classes=FER2013))


@pytest.mark.parametrize("test", ["PrivateTest", ""])
def test_a_part_of_fer2013_without_its_part_for_validation_gets_one_drawn(test: str) -> None:
    faces = face_set([0] * 10 + [1] * 10, usage=["Training"] * 20)
    if test:
        faces = face_set([0] * 10 + [1] * 10 + [0, 1], usage=["Training"] * 20 + [test] * 2)
    split = make_split(faces)
    assert (len(split.train), len(split.validation), len(split.test)) == (18, 2, 2 if test else 0)
    assert "a tenth of each training class" in split.note


def test_every_protocol_says_what_it_does() -> None:
    assert all(rule.__doc__ for rule in PROTOCOLS.values())


def test_the_papers_split_of_the_real_set_is_a_third_of_each_class(data_dir: Path) -> None:
    faces = load(data_dir / "ck48")
    split = make_split(faces)
    assert split.protocol == "ckplus-by-image seed=0"
    assert np.bincount(faces.labels[split.train]).tolist() == [90, 118, 50, 138, 56, 166, 36]
    assert np.bincount(faces.labels[split.validation]).tolist() == [45, 59, 25, 69, 28, 83, 18]


def test_about_nine_in_ten_of_the_real_held_out_images_have_a_sibling_in_training(data_dir: Path) -> None:
    faces = load(data_dir / "ck48")
    shares = [siblings_in_train(faces, ckplus_by_image(faces, seed=seed)) / 327 for seed in range(10)]
    assert 0.85 < np.mean(shares) < 0.93


def test_ten_folds_of_the_real_set_are_similar_and_have_every_class(data_dir: Path) -> None:
    faces = load(data_dir / "ck48")
    fold_of = assign_folds(faces, 10)
    sizes = np.bincount(fold_of)
    assert sizes.max() - sizes.min() <= 6
    assert all(len(set(faces.labels[fold_of == fold])) == 7 for fold in range(10))


@pytest.mark.parametrize(
    ("usage", "rows"),
    [([], [0, 1, 2]), (["Training", "PublicTest", "Training"], [0, 2]), (["test", "train", "validation"], [1])],
)
def test_training_only_takes_the_published_training_part_or_all_and_holds_nothing_out(
    usage: list[str], rows: list[int]
) -> None:
    split = make_split(bare([0, 0, 0], usage=usage), "training-only")
    assert split.train.tolist() == rows
    assert not len(split.validation)
    assert not len(split.test)
