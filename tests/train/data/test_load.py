"""Recognising the kind of a data set."""

from __future__ import annotations

import lzma
from pathlib import Path

import cv2
import pytest

from edge_agent.errors import InputError, ModelError
from tests.train.data.files import face, row, write_face, write_table
from train.data import load


def test_a_table_is_recognised(tmp_path: Path) -> None:
    assert load(write_table(tmp_path / "any.csv", [row(0)])).name == "FER2013"


def test_opencv_5_reads_no_data_set_because_it_turns_faces_otherwise_than_devices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cv2, "__version__", "5.0.0")
    with pytest.raises(ModelError, match=r"OpenCV 5\.0\.0, expected OpenCV 4"):
        load(write_table(tmp_path / "any.csv", [row(0)]))


def test_a_folder_with_a_packed_table_is_recognised(tmp_path: Path) -> None:
    table = write_table(tmp_path / "table", [row(0), row(1)])
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "fer2013.csv.xz").write_bytes(lzma.compress(table.read_bytes()))
    assert len(load(tmp_path / "data")) == 2


def test_a_table_is_found_where_kaggles_archive_unpacks_it_to(tmp_path: Path) -> None:
    (tmp_path / "fer2013").mkdir()
    write_table(tmp_path / "fer2013" / "fer2013.csv", [row(0), row(1)])
    assert load(tmp_path).name == "FER2013"


def test_names_of_subjects_make_it_ck_plus(tmp_path: Path) -> None:
    for name in ("anger", "happy"):
        write_face(tmp_path / "CK+48" / name / "S010_004_00000001.png", face(0))
    assert load(tmp_path).name == "CK+48"


def test_the_same_classes_without_such_names_are_plain_folders(tmp_path: Path) -> None:
    for name in ("anger", "happy"):
        write_face(tmp_path / "mine" / name / "1.png", face(0))
    faces = load(tmp_path / "mine")
    assert faces.name == "mine"
    assert set(faces.subject) == {""}


def test_options_reach_the_loader(tmp_path: Path) -> None:
    path = write_table(tmp_path / "any.csv", [row(0), row(1, 9)])
    faces = load(path, channels=3, on_unreadable="report")
    assert faces.channels == 3
    assert len(faces.unreadable) == 1


def test_a_path_to_nothing_is_reported(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="got nothing there, expected"):
        load(tmp_path / "nowhere")


def test_an_image_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="header without emotion"):
        load(write_face(tmp_path / "photo.png", face(0)))


def test_the_only_table_in_a_folder_is_read_whatever_it_is_called(tmp_path: Path) -> None:
    write_table(tmp_path / "mine.csv", [row(0), row(1, 3)])
    assert len(load(tmp_path)) == 2


def test_votes_beside_a_table_are_not_taken_for_the_data(tmp_path: Path) -> None:
    write_table(tmp_path / "fer2013.csv", [row(0), row(1, 3)])
    header = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
    write_table(tmp_path / "fer2013new.csv", ["Training,fer0000000.png,4,0,0,1,3,2,0,0,0,0"], header)
    assert load(tmp_path).name == "FER2013"
