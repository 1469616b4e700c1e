"""Data sets that name their pictures one by one: tables of pictures, and AffectNet, ExpW and FER+ as published."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from edge_agent.errors import InputError
from edge_agent.model_format.crop import crop_face
from edge_agent.model_format.labels import FER2013
from tests.train.data.files import face, row, write_face, write_table
from train.data import load
from train.data.dataset import FaceSet
from train.data.images import read_face
from train.data.label_map import NUMBERED, open_label_map
from train.prepare.pipeline import prepare


def labelled(faces: FaceSet) -> list[str]:
    return [faces.classes[label] for label in faces.labels]


def affectnet(root: Path, numbers: dict[str, list[str]]) -> Path:
    for part, found in numbers.items():
        for index, number in enumerate(found):
            write_face(root / part / f"images/{index}.jpg", face(index, 224, 224, 3))
            (root / part / "annotations").mkdir(exist_ok=True)
            np.save(root / part / f"annotations/{index}_exp.npy", np.array(number))
            np.save(root / part / f"annotations/{index}_aro.npy", np.array("0.5"))
    return root


def test_affectnets_annotations_beside_its_pictures_are_read(tmp_path: Path) -> None:
    root = affectnet(tmp_path, {"train_set": list("01234567"), "val_set": list("70")})
    faces = load(root)
    assert faces.name == "AffectNet"
    assert labelled(faces) == [*NUMBERED["affectnet"].values(), "contempt", "neutral"]
    assert faces.usage.tolist() == ["train"] * 8 + ["validation"] * 2
    assert faces.origin[0] == "train_set/images/0.jpg"
    one_part = load(root / "val_set", channels=3)
    assert (one_part.usage.tolist(), one_part.images.shape) == (["validation"] * 2, (2, 48, 48, 3))


def test_affectnets_pictures_without_an_expression_are_left_out_with_a_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        faces = load(affectnet(tmp_path, {"train_set": ["1", "8", "9", "10", "2"]}))
    assert labelled(faces) == ["happy", "sad"]
    assert "3 pictures are left out: AffectNet's 8 none, 9 uncertain and 10 no face" in caplog.text


def test_a_broken_annotation_and_a_missing_picture_are_named(tmp_path: Path) -> None:
    root = affectnet(tmp_path, {"train_set": ["1", "2", "3", "4"]})
    (root / "train_set/annotations/1_exp.npy").write_bytes(b"no array")
    (root / "train_set/images/2.jpg").unlink()
    np.save(root / "train_set/annotations/3_exp.npy", np.array("12"))
    with pytest.raises(InputError, match=r"1_exp\.npy"):
        load(root)
    reasons = load(root, on_unreadable="report").unreadable
    assert [reason.partition("annotations/")[2][0] for reason in reasons] == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("header", "folder"),
    [
        ("image,label", ""),
        ("user.id,image,emotion", "images/"),
        (",pth,label,relFCs", ""),
        ("File Name,Expression", "pictures/"),
    ],
)
def test_a_table_of_pictures_is_read_whatever_its_columns_are_called(header: str, folder: str, tmp_path: Path) -> None:
    names = header.split(",")
    rows = []
    for index, word in enumerate(("Anger", "happiness", "Neutral")):
        write_face(tmp_path / f"{folder}{index}.png", face(index))
        cells = {"image": f"{index}.png", "pth": f"{index}.png", "File Name": f"{index}.png"}
        words = {"label": word, "emotion": word, "Expression": word}
        rows.append(",".join(cells.get(name, words.get(name, "7")) for name in names))
    table = write_table(tmp_path / "legend.csv", rows, header)
    for path in (table, tmp_path):
        faces = load(path)
        assert labelled(faces) == ["angry", "happy", "neutral"]
        np.testing.assert_array_equal(faces.images[1, ..., 0], face(1))
    assert faces.origin.tolist() == ["legend.csv:2", "legend.csv:3", "legend.csv:4"]


def test_kaggles_tables_beside_rafdbs_numbered_folders_are_read_by_the_named_numbers(tmp_path: Path) -> None:
    rows = []
    for number in range(1, 8):
        write_face(tmp_path / f"DATASET/train/{number}/train_0000{number}_aligned.jpg", face(number, 100, 100))
        rows.append(f"train_0000{number}_aligned.jpg,{number}")
    table = write_table(tmp_path / "train_labels.csv", rows, "image,label")
    with pytest.raises(InputError, match="--label-map"):
        load(table)
    faces = load(table, label_map=open_label_map("rafdb"))
    assert labelled(faces) == list(NUMBERED["rafdb"].values())
    assert set(faces.usage.tolist()) == {"train"}
    assert labelled(load(tmp_path, label_map=open_label_map("rafdb"))) == labelled(faces)


def test_affectnets_own_list_gives_boxes_and_leaves_out_faces_without_an_expression(tmp_path: Path) -> None:
    picture = face(5, 200, 300, 3)
    write_face(tmp_path / "12/a.png", picture)
    header = "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,valence,arousal"
    rows = ["12/a.png,40,30,90,110,1.0;2.0,1,0.1,0.2", "12/a.png,0,0,9,9,1;2,9,0,0"]
    faces = load(write_table(tmp_path / "training.csv", rows, header), label_map=open_label_map("affectnet"))
    assert labelled(faces) == ["happy"]
    np.testing.assert_array_equal(faces.images[0, ..., 0], crop_face(picture, 30, 30, 110))


@pytest.mark.parametrize("none", ["8", "8.0", " 9.0", "10."])
def test_numbers_without_an_expression_are_left_out_however_they_are_written(none: str, tmp_path: Path) -> None:
    for name in "ab":
        write_face(tmp_path / f"{name}.png", face(1))
    table = write_table(tmp_path / "training.csv", ["a.png,1.0", f"b.png,{none}"], "image,expression")
    assert labelled(load(table, label_map=open_label_map("affectnet"))) == ["happy"]


LISTS = {
    "list_patition_label.txt": ("train_00001.jpg 4\n", "aligned/train_00001_aligned.jpg"),
    "label.lst": ("a.jpg 0 10 10 60 60 22.9 3\n", "origin/a.jpg"),
    "FER2013Train/label.csv": ('a.png,"(0, 0, 48, 48)",0,9,0,0,0,0,0,0,0,0\n', "FER2013Train/a.png"),
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_with_a_byte_order_mark_is_read(name: str, tmp_path: Path) -> None:
    line, picture = LISTS[name]
    write_face(tmp_path / picture, face(1, 100, 100, 3))
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(line, encoding="utf-8-sig")
    assert labelled(load(tmp_path)) == ["happy"]


def test_rafdbs_list_with_a_byte_order_mark_is_recognised_by_any_name(tmp_path: Path) -> None:
    write_face(tmp_path / "aligned/train_00001_aligned.jpg", face(1, 100, 100, 3))
    (tmp_path / "mine.txt").write_text("train_00001.jpg 4\n", encoding="utf-8-sig")
    assert load(tmp_path / "mine.txt").name == "RAF-DB"


def test_parts_are_read_from_a_column_or_from_folders(tmp_path: Path) -> None:
    for name in ("Train/a.png", "Test/b.png", "c.png"):
        write_face(tmp_path / name, face(1))
    rows = ["Train/a.png,sad,", "Test/b.png,happy,", "c.png,sad,Valid"]
    assert load(write_table(tmp_path / "list.csv", rows, "path,class,split")).usage.tolist() == [
        "train",
        "test",
        "validation",
    ]
    with pytest.raises(InputError, match="row 2: part: got 'third'"):
        load(write_table(tmp_path / "list.csv", ["c.png,sad,third"], "path,class,split"))


def test_a_picture_that_is_not_there_or_there_twice_is_named(tmp_path: Path) -> None:
    for name in ("a/1.png", "b/1.png"):
        write_face(tmp_path / name, face(1))
    table = write_table(tmp_path / "list.csv", ["1.png,sad", "2.png,sad", "b/1.png,happy", ",sad"], "image,label")
    with pytest.raises(InputError, match=r"row 5"):
        load(table)
    found = load(table, on_unreadable="report")
    assert labelled(found) == ["happy"]
    assert any("row 2: got 1.png, which is there more than once" in reason for reason in found.unreadable)
    assert any("row 3: got 2.png, which is not there" in reason for reason in found.unreadable)


def test_a_table_does_not_reach_outside_its_folder(tmp_path: Path) -> None:
    write_face(tmp_path / "secret.png", face(1))
    write_face(tmp_path / "data/own.png", face(2))
    table = write_table(tmp_path / "data/list.csv", ["../secret.png,sad", f"{tmp_path}/secret.png,sad"], "image,label")
    with pytest.raises(InputError, match="which is not there"):
        load(table)


def test_a_table_with_pixels_stays_one_of_pixels(tmp_path: Path) -> None:
    faces = load(write_table(tmp_path / "mine.csv", [f"a.png,{row(1, 3)}"], "image,emotion,pixels,Usage"))
    assert labelled(faces) == ["happy"]


@pytest.mark.parametrize("listed", ["label.lst", "label/label.lst"])
def test_expws_list_gives_the_square_around_each_box(listed: str, tmp_path: Path) -> None:
    photograph = face(3, 240, 320, 3)
    write_face(tmp_path / "image/origin/angry_actor_104.png", photograph)
    lines = ["angry_actor_104.png 0 28 113 226 141 22.9362 0", "angry_actor_104.png 1 10 20 110 120 41.0 3"]
    (tmp_path / listed).parent.mkdir(exist_ok=True)
    (tmp_path / listed).write_text("\n".join(lines) + "\n")
    for path in (tmp_path, tmp_path / listed):
        faces = load(path)
        assert (faces.name, labelled(faces)) == ("ExpW", ["angry", "happy"])
        np.testing.assert_array_equal(faces.images[0, ..., 0], crop_face(photograph, 113, 28, 113))
    (tmp_path / listed).write_text("\n".join([*lines, "b.png 0 1 2 3 4 5 1", "b.png 0 1 2", f"{lines[0][:-1]}9"]))
    with pytest.raises(InputError, match=r"line 3: got b\.png, which is not there"):
        load(tmp_path)
    assert len(load(tmp_path, on_unreadable="report").unreadable) == 3


@pytest.mark.parametrize(
    "box",
    [
        "300 400 310 410",
        "nan 10 90 90",
        "10 nan 90 90",
        "0 0 inf inf",
        "-1e308 -1e308 1e308 1e308",
        "-30000 -30000 30000 30000",  # a square of 3.6 GB
    ],
)
def test_a_box_that_is_not_within_the_photograph_is_refused(box: str, tmp_path: Path) -> None:
    write_face(tmp_path / "image/origin/a.png", face(3, 240, 320, 3))
    (tmp_path / "label.lst").write_text(f"a.png 0 {box} 1.0 0\n")
    with pytest.raises(InputError, match=r"label\.lst:1: got a face outside the 320 x 240 pixels"):
        load(tmp_path)


@pytest.mark.parametrize("name", ["a" * 5000, "a/" * 3000 + "a.png", "a\0.png"], ids=["long", "deep", "NUL"])
@pytest.mark.parametrize(
    ("listed", "line"),
    [
        ("label.lst", "{} 0 1 1 40 40 1.0 0"),
        ("list.csv", "image,label\n{},happy"),
        ("FER2013Train/label.csv", '{},"(0, 0, 48, 48)",4,0,0,1,3,2,0,0,0,0'),
    ],
)
def test_a_name_that_no_file_can_have_is_one_that_is_not_there(
    listed: str, line: str, name: str, tmp_path: Path
) -> None:
    file = tmp_path / listed
    file.parent.mkdir(exist_ok=True)
    file.write_text(line.format(name) + "\n")
    with pytest.raises(InputError, match="which is not there"):
        load(tmp_path if listed.startswith("FER") else file)


def test_ferplus_folders_give_the_label_that_leads_and_leave_out_the_rest(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    votes = {
        "FER2013Train": ["4,0,0,1,3,2,0,0,0,0", "0,9,0,0,0,0,0,0,1,0", "5,5,0,0,0,0,0,0,0,0", "1,0,0,0,0,0,0,0,0,9"],
        "FER2013Valid": ["0,0,0,0,0,0,0,8,2,0"],
        "FER2013Test": ["0,0,10,0,0,0,0,0,0,0"],
    }
    for folder, lines in votes.items():
        for index, _ in enumerate(lines):
            write_face(tmp_path / folder / f"fer000000{index}.png", face(index))
        text = "".join(f'fer000000{index}.png,"(0, 0, 48, 48)",{line}\n' for index, line in enumerate(lines))
        (tmp_path / folder / "label.csv").write_text(text)
    with caplog.at_level(logging.WARNING):
        faces = load(tmp_path)
    assert (faces.name, labelled(faces)) == ("FER+", ["neutral", "happy", "contempt", "surprise"])
    assert faces.usage.tolist() == ["train", "train", "validation", "test"]
    assert "2 faces are left out" in caplog.text


@pytest.mark.parametrize("upper", [True, False])
def test_folders_in_any_case_with_the_tables_words_for_parts_are_read(upper: bool, tmp_path: Path) -> None:
    words = ("anger", "disgusted", "afraid", "Happiness", "sadness", "surprised", "neutral")
    for part in ("Training", "PublicTest", "PrivateTest"):
        for word in words:
            write_face(tmp_path / part / (word.upper() if upper else word) / "1.jpg", face(len(word)))
    faces = load(tmp_path)
    assert faces.classes == FER2013
    assert sorted(set(faces.usage.tolist())) == ["test", "train", "validation"]


def test_a_published_layout_is_not_prepared_as_if_its_folders_were_classes(tmp_path: Path) -> None:
    root = affectnet(tmp_path / "data", {"train_set": ["1", "2"]})
    with pytest.raises(InputError, match=r"got AffectNet as it is published, .*Give it to fit"):
        prepare(root, tmp_path / "crops")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }" + bytes(60),
        b"\x93NUMPY\x01\x00v\x00{'descr': '<U1', 'fortran_order': False, 'shape': (), }" + b" " * 61 + b"\n3\0\0 ",
    ],
)
def test_an_annotation_that_claims_too_much_or_is_no_text_is_named(content: bytes, tmp_path: Path) -> None:
    root = affectnet(tmp_path, {"train_set": ["1", "2"]})
    (root / "train_set/annotations/1_exp.npy").write_bytes(content)
    with pytest.raises(InputError, match=r"1_exp\.npy: got no annotation"):
        load(root)


def test_a_broken_line_of_votes_is_named(tmp_path: Path) -> None:
    write_face(tmp_path / "FER2013Train/fer0.png", face(1))
    (tmp_path / "FER2013Train/label.csv").write_bytes(b'fer0.png,"(0, 0, 48, 48)\xe0\xd7,,\n')
    with pytest.raises(InputError, match=r"label\.csv, line 1"):
        load(tmp_path)


@pytest.mark.parametrize("above", [r"C:\Users\anna\Desktop\emotions", "/home/anna/emotions", "emotions"])
def test_paths_of_another_machine_are_found_also_where_class_folders_have_the_same_names(
    above: str, tmp_path: Path
) -> None:
    rows = []
    for number, label in enumerate(("happy", "sad", "angry")):
        write_face(tmp_path / f"data/train/{label}/1.png", face(number))
        slash = "\\" if "\\" in above else "/"
        rows.append(f"{slash.join((above, 'data', 'Train', label, '1.png'))},{label}")
    faces = load(write_table(tmp_path / "annotations.csv", rows, "filepath,emotion"))
    assert labelled(faces) == ["happy", "sad", "angry"]
    for number in range(3):
        np.testing.assert_array_equal(faces.images[number, ..., 0], face(number))
    assert set(faces.usage.tolist()) == {"train"}


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_table_as_spreadsheets_save_it_is_read(delimiter: str, encoding: str, tmp_path: Path) -> None:
    write_face(tmp_path / "pictures/a.png", face(1))
    write_face(tmp_path / "pictures/b.png", face(2))
    lines = ["Image_ID;Emotion label;Split", "a;Happiness;TRAIN", "b;sad;Valid"]
    table = tmp_path / "labels.csv"
    table.write_text("\r\n".join(lines).replace(";", delimiter), encoding=encoding)
    for path in (table, tmp_path):
        faces = load(path)
        assert (labelled(faces), faces.usage.tolist()) == (["happy", "sad"], ["train", "validation"])


@pytest.mark.parametrize("names", [("train", "val", "test"), ("train_labels", "Valid_Labels", "TEST_labels")])
def test_a_table_for_each_part_gives_the_parts(names: tuple[str, ...], tmp_path: Path) -> None:
    for number, name in enumerate(names):
        write_face(tmp_path / f"images/{number}.png", face(number))
        write_face(tmp_path / f"images/{number + 10}.png", face(number + 10))
        write_table(tmp_path / f"{name}.csv", [f"{number}.png,sad", f"{number + 10}.png,happy"], "image,label")
    faces = load(tmp_path)
    parts = dict(zip(faces.origin.tolist(), faces.usage.tolist(), strict=True))
    assert [parts[f"{name}.csv:2"] for name in names] == ["train", "validation", "test"]


def test_tables_that_do_not_belong_together_are_named(tmp_path: Path) -> None:
    write_face(tmp_path / "images/1.png", face(1))
    for name in ("labels", "more"):
        write_table(tmp_path / f"{name}.csv", ["1.png,sad"], "image,label")
    with pytest.raises(InputError, match=r"got several tables: labels\.csv, more\.csv"):
        load(tmp_path)


def test_tables_with_a_column_for_each_class_are_read_from_the_folders_of_the_parts(tmp_path: Path) -> None:
    for number, part in enumerate(("train", "valid", "test")):
        write_face(tmp_path / part / f"{number}.png", face(number))
        write_table(tmp_path / part / "_classes.csv", [f"{number}.png, 0, 1, 0"], "filename, Anger, Happy, Sad")
    faces = load(tmp_path)
    assert (labelled(faces), sorted(faces.usage.tolist())) == (["happy"] * 3, ["test", "train", "validation"])
    with pytest.raises(InputError, match="row 2: got"):
        load(write_table(tmp_path / "train/_classes.csv", ["0.png,1,1,0"], "filename,Anger,Happy,Sad"))


def test_affectnets_lists_in_a_folder_of_their_own_are_read_with_the_folder_above(tmp_path: Path) -> None:
    header = "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,valence,arousal"
    for number, part in enumerate(("training", "validation")):
        write_face(tmp_path / f"Manually_Annotated_Images/{number}/a{number}.png", face(number, 90, 90))
        (tmp_path / "Manually_Annotated_file_lists").mkdir(exist_ok=True)
        line = f"{number}/a{number}.png,0,0,90,90,1;2,{number},0.1,0.2"
        write_table(tmp_path / f"Manually_Annotated_file_lists/{part}.csv", [line], header)
    faces = load(tmp_path, label_map=open_label_map("affectnet"))
    assert (labelled(faces), faces.usage.tolist()) == (["neutral", "happy"], ["train", "validation"])
    with pytest.raises(InputError, match="Give the folder in which both the table and the pictures lie"):
        load(tmp_path / "Manually_Annotated_file_lists/training.csv", label_map=open_label_map("affectnet"))


def test_numbers_with_a_decimal_point_are_numbers(tmp_path: Path) -> None:
    for number in (1, 3):
        write_face(tmp_path / f"{number}.png", face(number))
    table = write_table(tmp_path / "labels.csv", ["1.png,1.0", "3.png,3.0"], "image,label")
    with pytest.raises(InputError, match="--label-map"):
        load(table)
    assert labelled(load(table, label_map=open_label_map("rafdb"))) == ["surprise", "disgust"]


def test_class_folders_are_read_rather_than_a_table_beside_them_and_a_line_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for number, label in enumerate(("happy", "sad")):
        write_face(tmp_path / label / "1.png", face(number))
    write_table(tmp_path / "labels.csv", ["happy/1.png,happy"], "pth,label")
    assert len(load(tmp_path)) == 2
    assert "the class folders are read, and not labels.csv" in caplog.text


@pytest.mark.parametrize("number", [3, 3.0, b"3", "3"])
def test_annotations_are_read_in_whatever_type_a_copy_has_them(number: object, tmp_path: Path) -> None:
    root = affectnet(tmp_path, {"train_set": ["1", "2"]})
    np.save(root / "train_set/annotations/1_exp.npy", np.array(number))
    assert labelled(load(root)) == ["happy", "surprise"]


BOXES = {
    "Tensorflow's corners": ("filename,width,height,class,xmin,ymin,xmax,ymax", "a.png,300,200,Happy,40,30,130,140"),
    "ExpW as a table": (
        "image_name,face_id_in_image,face_box_top,face_box_left,face_box_right,face_box_bottom,expression_label",
        "a.png,0,30,40,130,140,Happy",
    ),
    "numbered corners": ("image,x1,y1,x2,y2,label", "a.png,40,30,130,140,happy"),
    "corners counted from 0": ("label,x0,y0,x1,y1,image", "happy,40,30,130,140,a.png"),
    "sides": ("image,bbox_x,bbox_y,bbox_w,bbox_h,label", "a.png,40,30,90,110,happy"),
    "AffectNet's": ("path,face_x,face_y,face_width,face_height,label", "a.png,40,30,90,110,happy"),
}


@pytest.mark.parametrize("form", BOXES)
def test_each_face_is_cropped_by_its_box_whatever_its_columns_are_called(
    form: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    header, line = BOXES[form]
    picture = face(5, 200, 300, 3)
    write_face(tmp_path / "a.png", picture)
    faces = load(write_table(tmp_path / "list.csv", [line], header))
    assert labelled(faces) == ["happy"]
    np.testing.assert_array_equal(faces.images[0, ..., 0], crop_face(picture, 30, 30, 110))
    assert "list.csv: each face is cropped by its box (" in caplog.text


def test_the_size_of_a_picture_is_not_taken_for_that_of_a_box(tmp_path: Path) -> None:
    write_face(tmp_path / "a.png", face(5))
    faces = load(write_table(tmp_path / "list.csv", ["a.png,48,48,happy"], "image,width,height,label"))
    np.testing.assert_array_equal(faces.images[0, ..., 0], face(5))


def test_a_box_that_is_no_numbers_is_named_with_its_row(tmp_path: Path) -> None:
    write_face(tmp_path / "a.png", face(5))
    table = write_table(tmp_path / "list.csv", ["a.png,1,1,x,40,happy", "a.png,1,1,,40,sad"], "image,x,y,w,h,label")
    with pytest.raises(InputError, match=r"row 2: box: got .*, expected four numbers of pixels"):
        load(table)


def test_whole_photographs_in_a_list_without_boxes_are_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_face(tmp_path / "a.png", face(5, 200, 300, 3))
    write_face(tmp_path / "b.png", face(6))
    load(write_table(tmp_path / "list.csv", ["a.png,happy", "b.png,sad"], "image,label"))
    assert "1 of 2 pictures look like whole photographs" in caplog.text


def test_a_table_in_the_folder_of_each_part_names_the_pictures_beside_it(tmp_path: Path) -> None:
    for number, part in enumerate(("train", "valid", "test")):
        write_face(tmp_path / part / "0000.png", face(number))
        write_table(tmp_path / part / "metadata.csv", ["0000.png,happy"], "file_name,label")
    faces = load(tmp_path)
    assert sorted(faces.usage.tolist()) == ["test", "train", "validation"]
    for image, part in zip(faces.images, faces.usage, strict=True):
        np.testing.assert_array_equal(image[..., 0], face(("train", "validation", "test").index(part)))


def test_roboflows_columns_are_classes_whatever_they_are_called(tmp_path: Path) -> None:
    for number, part in enumerate(("train", "valid")):
        write_face(tmp_path / part / f"{number}.png", face(number))
        lines = [f"{number}.png, {int(number == 0)}, {int(number == 1)}"]
        write_table(tmp_path / part / "_classes.csv", lines, "filename, attentive, bored")
    assert labelled(load(tmp_path)) == ["attentive", "bored"]


def test_a_part_without_a_header_has_the_columns_of_the_other_and_a_line_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    header = "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,valence,arousal"
    for number, part in enumerate(("training", "validation")):
        write_face(tmp_path / f"{number}/a{number}.png", face(number, 90, 90))
        line = f"{number}/a{number}.png,0,0,90,90,1;2,{number + 1},0.1,0.2"
        (tmp_path / f"{part}.csv").write_text("\n".join([*([header] if part == "training" else []), line]) + "\n")
    faces = load(tmp_path, label_map=open_label_map("affectnet"))
    assert (labelled(faces), faces.usage.tolist()) == (["happy", "sad"], ["train", "validation"])
    assert faces.origin.tolist() == ["training.csv:2", "validation.csv:1"]
    assert "validation.csv: it has no header and is read with the columns of training.csv" in caplog.text


@pytest.mark.parametrize("before", ["sep=;\n", "\n", "\r\nSEP=;\r\n"])
def test_what_spreadsheets_write_above_a_table_is_passed_over(before: str, tmp_path: Path) -> None:
    write_face(tmp_path / "a.png", face(1))
    (tmp_path / "list.csv").write_text(f"{before}image;label\na.png;happy\nb.png;sad\n", newline="")
    found = load(tmp_path, on_unreadable="report")
    assert labelled(found) == ["happy"]
    assert f"row {before.count(chr(10)) + 3}: got b.png" in found.unreadable[0]


def test_a_table_in_another_encoding_says_how_to_save_it(tmp_path: Path) -> None:
    write_face(tmp_path / "a.png", face(1))
    (tmp_path / "list.csv").write_bytes("image,label\na.png,fröhlich\n".encode("cp1252"))
    for path in (tmp_path, tmp_path / "list.csv"):
        with pytest.raises(InputError, match=r"got text in another encoding.*Save it as CSV in UTF-8"):
            load(path)


def test_an_export_of_label_studio_is_read(tmp_path: Path) -> None:
    write_face(tmp_path / "upload/1f2e-a.png", face(1))
    header = "annotation_id,annotator,choice,created_at,id,image,lead_time"
    table = write_table(tmp_path / "project.csv", ["1,1,Happy,2024-01-01,7,/data/upload/1/1f2e-a.png,3.1"], header)
    assert labelled(load(table)) == ["happy"]


def test_a_row_without_a_marked_class_says_which_columns_are_classes(tmp_path: Path) -> None:
    table = write_table(tmp_path / "list.csv", ["a.png,0.4,0.6"], "image,happy,sad")
    with pytest.raises(InputError, match=r"row 2: got .*expected a picture and a 1 in one of the columns happy, sad"):
        load(table)


@pytest.mark.parametrize("folder", ["train/4", "train", "Image/aligned/aligned", "somewhere/else"])
@pytest.mark.parametrize("end", ["_aligned", ""])
def test_rafdbs_list_finds_its_pictures_in_folders_of_parts_and_classes(folder: str, end: str, tmp_path: Path) -> None:
    write_face(tmp_path / folder / f"train_00001{end}.jpg", face(1, 100, 100, 3))
    write_face(tmp_path / "original/train_00001.jpg", face(2, 300, 200, 3))
    (tmp_path / "list_patition_label.txt").write_text("train_00001.jpg 4\n")
    faces = load(tmp_path)
    assert (faces.name, labelled(faces), faces.usage.tolist()) == ("RAF-DB", ["happy"], ["train"])
    np.testing.assert_array_equal(faces.images[0], read_face(tmp_path / folder / f"train_00001{end}.jpg", 1))
