"""Data sets in forms that are not read: each is named, with what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.errors import InputError
from tests.train.data.files import face, write_face
from train.data import load
from train.prepare.pipeline import prepare

FILES = {
    "labels.csv": ("Datei;Klasse\n1.png;froh\n", "got a table with the columns 'Datei;Klasse'.*image and label"),
    "votes.csv": ("Image name,neutral,happiness,NF\n1.png,9,1,0\n", "got a table with the columns 'Image name,"),
    "_annotations.coco.json": ('{"images": []}', "got a JSON file, as of COCO.*Export it as class folders or as CSV"),
    "metadata.jsonl": ('{"file_name": "1.png"}', "got lines of JSON.*columns image and label"),
    "1.xml": ("<annotation/>", "got an XML file, as of Pascal VOC"),
    "train-00000-of-00001.parquet": ("PAR1", "got a Parquet file.*class folders"),
    "faces.npz": ("PK", "got an array file"),
    "labels.xlsx": ("PK", "got a spreadsheet.*Save it as CSV"),
    "train.txt": ("1.png 3\n", "got a list with lines such as '1.png 3'"),
    "faces.zip": ("PK", "got an archive.*Unpack it"),
}


@pytest.mark.parametrize("beside", ["1.png", "pictures/1.png"])
@pytest.mark.parametrize("name", FILES)
def test_a_data_set_in_a_form_that_is_not_read_is_named_with_what_to_do(name: str, beside: str, tmp_path: Path) -> None:
    content, message = FILES[name]
    write_face(tmp_path / beside, face(1))
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=message):
        load(tmp_path)


@pytest.mark.parametrize("name", ["_annotations.coco.json", "train-00000-of-00001.parquet", "labels.xlsx", "faces.npz"])
def test_such_a_file_given_itself_is_named_too(name: str, tmp_path: Path) -> None:
    content, message = FILES[name]
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=message):
        load(tmp_path / name)


@pytest.mark.parametrize("folders", ["{part}/images {part}/labels", "images/{part} labels/{part}"])
def test_yolos_folders_are_not_read_as_two_classes(folders: str, tmp_path: Path) -> None:
    for part in ("train", "valid"):
        images, labels = folders.format(part=part).split()
        write_face(tmp_path / "data" / images / "1.png", face(1))
        (tmp_path / "data" / labels).mkdir(parents=True)
        (tmp_path / "data" / labels / "1.txt").write_text("3 0.5 0.5 0.8 0.9\n")
    with pytest.raises(InputError, match="got folders images and labels, as of YOLO"):
        load(tmp_path / "data")
    with pytest.raises(InputError, match="as of YOLO"):
        prepare(tmp_path / "data", tmp_path / "crops")


def test_what_lies_beside_class_folders_does_not_matter(tmp_path: Path) -> None:
    for number, label in enumerate(("happy", "sad")):
        write_face(tmp_path / label / "1.png", face(number))
    for name, (content, _) in FILES.items():
        (tmp_path / name).write_text(content)
    assert load(tmp_path).classes == ("happy", "sad")
