"""Class folders: layouts, label order, and how each broken layout or picture is reported."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_agent.errors import InputError
from edge_agent.model_format.labels import CK_PLUS, FER2013
from tests.train.data.files import face, write_face
from train.data.folders import load_folders
from train.prepare.photos import find_photos


def make_tree(root: Path, names: tuple[str, ...], *, per_class: int = 1, suffix: str = ".png") -> Path:
    for label, name in enumerate(names):
        for index in range(per_class):
            write_face(root / name / f"{index}{suffix}", face(10 * label + index))
    return root


def test_kaggles_layout_gives_pictures_with_their_split(tmp_path: Path) -> None:
    make_tree(tmp_path / "train", ("happy", "sad"), per_class=2)
    make_tree(tmp_path / "test", ("happy", "sad"))
    faces = load_folders(tmp_path)
    assert faces.usage.tolist() == ["train"] * 4 + ["test"] * 2
    assert faces.labels.tolist() == [0, 0, 1, 1, 0, 1]
    assert faces.origin[0] == "train/happy/0.png"
    assert np.array_equal(faces.images[1, :, :, 0], face(1))


def test_a_plain_tree_has_no_splits_and_is_called_by_its_folder(tmp_path: Path) -> None:
    faces = load_folders(make_tree(tmp_path / "pupils", ("bored", "attentive")))
    assert faces.name == "pupils"
    assert set(faces.usage) == {""}
    assert faces.classes == ("attentive", "bored")


@pytest.mark.parametrize(
    ("folders", "classes"),
    [
        (("Anger", "disgust", "Fear", "happiness", "sadness", "surprised", "neutral"), FER2013),
        (("anger", "contempt", "disgust", "fear", "happy", "sadness", "surprise"), CK_PLUS),
        (("sad", "happy", "angry"), ("angry", "happy", "sad")),
    ],
)
def test_labels_follow_the_known_data_sets_or_the_alphabet(
    folders: tuple[str, ...], classes: tuple[str, ...], tmp_path: Path
) -> None:
    faces = load_folders(make_tree(tmp_path, folders))
    assert faces.classes == classes
    assert faces.labels.tolist() == list(range(len(classes)))


def test_pictures_of_another_size_are_scaled(tmp_path: Path) -> None:
    make_tree(tmp_path, ("happy", "sad"))
    write_face(tmp_path / "sad" / "large.png", np.full((96, 120), 77, np.uint8))
    faces = load_folders(tmp_path)
    assert faces.images.shape == (3, 48, 48, 1)
    assert np.all(faces.images[2] == 77)


def test_three_channels_are_red_green_blue(tmp_path: Path) -> None:
    make_tree(tmp_path, ("happy", "sad"))
    reddish = np.zeros((48, 48, 3), np.uint8)
    reddish[..., 2] = 200
    write_face(tmp_path / "sad" / "red.png", reddish)
    faces = load_folders(tmp_path, channels=3)
    assert faces.images[2, 0, 0].tolist() == [200, 0, 0]
    assert np.array_equal(faces.images[0, :, :, 1], face(0))


def test_a_folder_of_one_folder_and_system_files_are_looked_through(tmp_path: Path) -> None:
    make_tree(tmp_path / "archive" / "pictures", ("happy", "sad"))
    (tmp_path / "archive" / "pictures" / "happy" / ".DS_Store").write_bytes(b"litter")
    (tmp_path / "archive" / "pictures" / "sad" / "Thumbs.db").write_bytes(b"litter")
    (tmp_path / "archive" / "LICENSE").write_text("terms")
    (tmp_path / "__MACOSX").mkdir()
    assert len(load_folders(tmp_path)) == 2


def test_splits_that_disagree_about_the_classes_are_refused(tmp_path: Path) -> None:
    make_tree(tmp_path / "train", ("happy", "sad"))
    make_tree(tmp_path / "test", ("happy", "angry"))
    with pytest.raises(InputError, match="test/ without sad, with angry, expected the same class folders as in train/"):
        load_folders(tmp_path)


def test_splits_may_spell_a_class_differently(tmp_path: Path) -> None:
    make_tree(tmp_path / "train", ("anger", "happy"))
    make_tree(tmp_path / "test", ("angry", "happiness"))
    assert load_folders(tmp_path).labels.tolist() == [0, 1, 0, 1]


def test_letters_that_a_system_takes_apart_are_the_same_class(tmp_path: Path) -> None:
    for split, label in (("train", "fr\u00f6hlich"), ("test", "fro\u0308hlich"), ("train", "x"), ("test", "x")):
        write_face(tmp_path / split / label / "1.png", face(0))
    assert load_folders(tmp_path).classes == ("fr\u00f6hlich", "x")


def test_a_folder_beside_the_splits_is_refused(tmp_path: Path) -> None:
    make_tree(tmp_path / "train", ("happy", "sad"))
    make_tree(tmp_path / "extra", ("happy", "sad"))
    with pytest.raises(InputError, match="extra: got a folder beside the splits"):
        load_folders(tmp_path)


def test_two_folders_for_one_split_are_refused(tmp_path: Path) -> None:
    make_tree(tmp_path / "val", ("happy", "sad"))
    make_tree(tmp_path / "validation", ("happy", "sad"))
    with pytest.raises(InputError, match="validation: got a second folder for validation"):
        load_folders(tmp_path)


def test_two_folders_for_one_class_are_refused(tmp_path: Path) -> None:
    make_tree(tmp_path, ("anger", "angry", "happy"))
    with pytest.raises(InputError, match="anger/ and angry/, which both mean angry"):
        load_folders(tmp_path)


def test_parts_with_numbers_before_them_are_parts(tmp_path: Path) -> None:
    for part in ("01_train", "02_val", "03.test"):
        write_face(tmp_path / part / "happy/1.png", face(1))
    assert set(load_folders(tmp_path).usage.tolist()) == {"train", "validation", "test"}


def test_parts_within_the_classes_are_refused_with_where_they_belong(tmp_path: Path) -> None:
    for name in ("happy/train/1.png", "happy/test/2.png", "sad/train/3.png", "sad/test/4.png"):
        write_face(tmp_path / name, face(1))
    for read in (load_folders, find_photos):
        with pytest.raises(InputError, match=r"got the parts test, train within a class.*above those of the classes"):
            read(tmp_path)


def test_a_person_called_like_a_part_is_a_person(tmp_path: Path) -> None:
    for name in ("happy/Val/1.png", "happy/anna/2.png", "sad/Val/3.png"):
        write_face(tmp_path / name, face(1))
    assert {photo.person for photo in find_photos(tmp_path)} == {"val", "anna"}


def test_a_part_of_pictures_without_classes_is_refused_with_what_to_do(tmp_path: Path) -> None:
    write_face(tmp_path / "train/happy/1.png", face(1))
    write_face(tmp_path / "test/1.png", face(2))
    with pytest.raises(InputError, match=r"test: got pictures without class folders.*Move it elsewhere"):
        load_folders(tmp_path)


def test_an_empty_class_folder_is_refused(tmp_path: Path) -> None:
    make_tree(tmp_path / "train", ("happy", "sad"))
    (tmp_path / "train" / "fear").mkdir()
    with pytest.raises(InputError, match=r"train/fear: got an empty folder"):
        load_folders(tmp_path)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="got no class folders, expected train/<class>/"):
        load_folders(tmp_path)


def test_folders_inside_class_folders_are_refused(tmp_path: Path) -> None:
    make_tree(tmp_path / "happy", ("one", "two"))
    make_tree(tmp_path / "sad", ("one", "two"))
    with pytest.raises(InputError, match="happy/one: got a folder inside a class folder"):
        load_folders(tmp_path)


@pytest.mark.parametrize(("height", "width", "warned"), [(300, 900, True), (900, 1000, True), (224, 224, False)])
def test_whole_photographs_are_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, height: int, width: int, warned: bool
) -> None:
    make_tree(tmp_path, ("happy", "sad"))
    write_face(tmp_path / "sad" / "whole.png", face(3, height, width))
    load_folders(tmp_path)
    assert (f"whole.png has {width} x {height}" in caplog.text) == warned


def test_a_picture_outside_the_class_folders_is_refused(tmp_path: Path) -> None:
    make_tree(tmp_path, ("happy", "sad"))
    write_face(tmp_path / "lost.png", face(9))
    with pytest.raises(InputError, match=r"lost\.png: got a picture outside the class folders"):
        load_folders(tmp_path)


def jpeg() -> bytes:
    return cv2.imencode(".jpg", face(5, 64, 64, 3))[1].tobytes()


def png() -> bytes:
    return cv2.imencode(".png", face(5, 64, 64, 3))[1].tobytes()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"", "an empty file", id="empty"),
        pytest.param(b"not a picture", "13 bytes that are no picture", id="text"),
        pytest.param(jpeg()[:-300], "a picture that is cut off", id="cut JPEG"),
        pytest.param(png()[:-300], "a picture that is cut off", id="cut PNG"),
    ],
)
def test_an_unreadable_picture_is_reported_by_name_or_listed(content: bytes, message: str, tmp_path: Path) -> None:
    make_tree(tmp_path, ("happy", "sad"))
    (tmp_path / "sad" / "broken.jpg").write_bytes(content)
    with pytest.raises(InputError, match=rf"sad/broken\.jpg: got .*{message}.*train describe"):
        load_folders(tmp_path)
    listed = load_folders(tmp_path, on_unreadable="report")
    assert len(listed) == 2
    assert len(listed.unreadable) == 1
    assert message in listed.unreadable[0]


def test_a_whole_jpeg_is_read(tmp_path: Path) -> None:
    make_tree(tmp_path, ("happy", "sad"), suffix=".jpg")
    assert len(load_folders(tmp_path)) == 2


def test_a_tree_of_broken_pictures_alone_is_refused_even_so(tmp_path: Path) -> None:
    for name in ("happy", "sad"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "broken.png").write_bytes(b"")
    with pytest.raises(InputError, match="no readable picture"):
        load_folders(tmp_path, on_unreadable="report")
