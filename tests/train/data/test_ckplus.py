"""CK+48: subjects and recordings from file names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge_agent.errors import InputError
from edge_agent.model_format.labels import CK_PLUS
from tests.train.data.files import face, write_face
from train.data import load
from train.data.ckplus import load_ckplus


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for index, name in enumerate(("anger", "contempt", "surprise")):
        for frame in range(2):
            write_face(tmp_path / name / f"S01{index}_004_{frame:08d}.png", face(index))
    return tmp_path


def test_names_hold_subject_and_sequence(tree: Path) -> None:
    faces = load_ckplus(tree)
    assert faces.subject.tolist() == ["S010", "S010", "S011", "S011", "S012", "S012"]
    assert faces.sequence[0] == "S010_004"
    assert faces.name == "CK+48"


def test_classes_are_in_the_data_sets_order_even_where_some_are_missing(tree: Path) -> None:
    faces = load_ckplus(tree)
    assert faces.classes == ("angry", "surprise", "contempt")
    contempt = faces.classes.index("contempt")
    assert {origin.split("/")[0] for origin in faces.origin[faces.labels == contempt]} == {"contempt"}


def test_a_misnamed_picture_is_reported_or_listed(tree: Path) -> None:
    write_face(tree / "anger" / "me.png", face(9))
    with pytest.raises(InputError, match=r"anger/me\.png: got a name that does not say who is shown"):
        load_ckplus(tree)
    listed = load_ckplus(tree, on_unreadable="report")
    assert len(listed) == 6
    assert "me.png" in listed.unreadable[0]


def test_misnamed_pictures_alone_are_refused_even_so(tmp_path: Path) -> None:
    write_face(tmp_path / "anger" / "me.png", face(9))
    with pytest.raises(InputError, match="does not say who is shown"):
        load_ckplus(tmp_path, on_unreadable="report")


def test_a_class_that_ck_plus_does_not_have_is_refused(tree: Path) -> None:
    write_face(tree / "bored" / "S010_004_00000001.png", face(9))
    with pytest.raises(InputError, match=r"got the folders .*bored.*, expected CK\+'s classes: angry"):
        load_ckplus(tree)


def test_the_whole_set_is_read(data_dir: Path) -> None:
    faces = load(data_dir / "ck48")
    assert faces.classes == CK_PLUS
    assert np.bincount(faces.labels).tolist() == [135, 177, 75, 207, 84, 249, 54]
    assert len(set(faces.subject)) == 118
    assert set(np.unique(faces.sequence, return_counts=True)[1]) == {3}
