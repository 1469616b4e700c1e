"""Votes of FER+ joined to the rows of FER2013."""

from __future__ import annotations

import lzma
from pathlib import Path

import numpy as np
import pytest

from edge_agent.errors import InputError
from edge_agent.model_format.labels import FER2013
from tests.train.data.files import face_set, row, write_table
from train.data import load
from train.data.dataset import FaceSet
from train.data.ferplus import VOTES_FOR, load_votes

HEADER = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
VOTES = [
    "Training,fer0000000.png,4,0,0,1,3,2,0,0,0,0",
    "Training,,0,0,0,0,0,0,0,0,0,10",
    "PublicTest,fer0000001.png,0,8,0,0,0,0,0,2,0,0",
]


@pytest.fixture
def faces(tmp_path: Path) -> FaceSet:
    return load(write_table(tmp_path / "fer2013.csv", [row(0), row(1), row(2, 3, "PublicTest")]))


def votes_file(tmp_path: Path, rows: list[str], header: str = HEADER) -> Path:
    return write_table(tmp_path / "fer2013new.csv", rows, header)


def test_shares_are_votes_for_the_given_classes(tmp_path: Path, faces: FaceSet) -> None:
    shares = load_votes(votes_file(tmp_path, VOTES), faces).shares(FER2013)
    assert shares.dtype == np.float32
    assert dict(zip(FER2013, shares[0].tolist(), strict=True)) == pytest.approx(
        {"angry": 0.3, "disgust": 0.2, "fear": 0, "happy": 0, "sad": 0.1, "surprise": 0, "neutral": 0.4}
    )


def test_votes_for_other_classes_are_left_out_of_the_shares(tmp_path: Path, faces: FaceSet) -> None:
    shares = load_votes(votes_file(tmp_path, VOTES), faces).shares(FER2013)
    assert shares[2, FER2013.index("happy")] == 1
    assert shares[1].sum() == 0


def test_agreement_is_the_share_of_the_commonest_vote(tmp_path: Path, faces: FaceSet) -> None:
    assert load_votes(votes_file(tmp_path, VOTES), faces).agreement().tolist() == pytest.approx([0.4, 1.0, 0.8])


def test_votes_follow_their_rows_through_choosing_and_reordering(tmp_path: Path, faces: FaceSet) -> None:
    chosen = load_votes(votes_file(tmp_path, VOTES), faces.take(np.array([2, 0])))
    whole = load_votes(votes_file(tmp_path, VOTES), faces)
    assert np.array_equal(chosen.counts, whole.counts[[2, 0]])


def test_a_blank_last_line_does_not_matter(tmp_path: Path, faces: FaceSet) -> None:
    file = votes_file(tmp_path, VOTES)
    whole = load_votes(file, faces)
    file.write_text(file.read_text().rstrip("\n") + "\n\n")
    assert np.array_equal(load_votes(file, faces).counts, whole.counts)


def test_votes_for_faces_in_another_order_are_refused(tmp_path: Path) -> None:
    labels = [number % 7 for number in range(140)]
    faces = load(write_table(tmp_path / "fer2013.csv", [row(number, label) for number, label in enumerate(labels)]))
    columns = [VOTES_FOR.index(FER2013[label]) for label in labels]
    rows = [f"Training,x,{','.join('9' if column == own else '0' for column in range(10))}" for own in columns]
    assert load_votes(votes_file(tmp_path, rows), faces).agreement().min() == 1.0
    with pytest.raises(InputError, match="got votes that name the own label of 0% of the faces"):
        load_votes(votes_file(tmp_path, rows[1:] + rows[:1]), faces)


def test_a_file_with_fewer_rows_is_refused(tmp_path: Path, faces: FaceSet) -> None:
    with pytest.raises(InputError, match=r"got 2 rows, expected a row for fer2013\.csv:4"):
        load_votes(votes_file(tmp_path, VOTES[:2]), faces)


def test_rows_of_another_split_are_refused(tmp_path: Path, faces: FaceSet) -> None:
    swapped = [VOTES[0], VOTES[2], VOTES[1]]
    with pytest.raises(InputError, match="row 3: got Usage PublicTest, expected Training"):
        load_votes(votes_file(tmp_path, swapped), faces)


@pytest.mark.parametrize(
    "bad_row",
    ["Training,a.png,1,2,3", "Training,a.png,1,0,0,0,0,0,0,0,0,x", "Training,a.png,-1,0,0,0,0,0,0,0,0,0"],
)
def test_a_broken_row_is_reported(bad_row: str, tmp_path: Path, faces: FaceSet) -> None:
    with pytest.raises(InputError, match=r"fer2013new\.csv, row 3: got"):
        load_votes(votes_file(tmp_path, [VOTES[0], bad_row, VOTES[2]]), faces)


def test_other_columns_are_refused(tmp_path: Path, faces: FaceSet) -> None:
    with pytest.raises(InputError, match="row 1: got the columns emotion, pixels"):
        load_votes(votes_file(tmp_path, [], "emotion,pixels,Usage"), faces)


def test_pictures_in_files_of_their_own_have_no_votes(tmp_path: Path) -> None:
    faces = face_set([0])
    faces.origin[0] = "a/1.png"
    with pytest.raises(InputError, match="a row of fer2013"):
        load_votes(votes_file(tmp_path, VOTES), faces)


def test_classes_nobody_voted_on_are_refused(tmp_path: Path, faces: FaceSet) -> None:
    with pytest.raises(InputError, match="classes: got bored"):
        load_votes(votes_file(tmp_path, VOTES), faces).shares(("happy", "bored"))


def test_votes_agree_with_the_labels_of_their_own_rows_only(data_dir: Path, tmp_path: Path) -> None:
    with lzma.open(data_dir / "fer2013" / "fer2013.csv.xz") as packed:
        beginning = [next(packed) for _ in range(2001)]
    table = tmp_path / "fer2013.csv"
    table.write_bytes(b"".join(beginning))
    faces = load(table)
    voted = load_votes(data_dir / "fer2013" / "fer2013new.csv", faces).shares(FER2013).argmax(axis=1)
    assert np.mean(voted == faces.labels) > 0.6
    assert np.mean(voted[1:] == faces.labels[:-1]) < 0.25
