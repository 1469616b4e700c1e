"""Tables of pixels in the forms that people have: one for each part, other column names, other delimiters."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_agent.errors import InputError
from tests.train.data.files import face, write_table
from train.data import load
from train.data.label_map import open_label_map


def pixels(seed: int) -> str:
    return " ".join(map(str, face(seed).ravel()))


def test_a_table_for_each_part_gives_the_parts(tmp_path: Path) -> None:
    for number, part in enumerate(("train", "val", "test")):
        write_table(
            tmp_path / f"{part}.csv", [f"{number},{pixels(number)}", f"6,{pixels(9 + number)}"], "emotion,pixels"
        )
    faces = load(tmp_path)
    assert faces.classes == ("angry", "disgust", "fear", "neutral")
    parts = dict(zip(faces.origin.tolist(), faces.usage.tolist(), strict=True))
    assert [parts[f"{part}.csv:2"] for part in ("train", "val", "test")] == ["train", "validation", "test"]
    named = dict(zip(faces.origin.tolist(), faces.labels.tolist(), strict=True))
    assert [named[f"{part}.csv:2"] for part in ("train", "val", "test")] == [0, 1, 2]


def test_parts_that_have_different_classes_share_one_order(tmp_path: Path) -> None:
    write_table(tmp_path / "train.csv", [f"sad,{pixels(1)}", f"happy,{pixels(2)}"], "label,pixels")
    write_table(tmp_path / "test.csv", [f"sad,{pixels(3)}"], "label,pixels")
    faces = load(tmp_path)
    named = {origin: faces.classes[label] for origin, label in zip(faces.origin, faces.labels, strict=True)}
    assert named == {"train.csv:2": "sad", "train.csv:3": "happy", "test.csv:2": "sad"}


def test_the_contests_part_without_classes_is_left_out_with_a_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_table(tmp_path / "train.csv", [f"3,{pixels(1)}"], "emotion,pixels")
    write_table(tmp_path / "test.csv", [pixels(2)], "pixels")
    assert len(load(tmp_path)) == 1
    assert "test.csv: left out, as its pixels have no class" in caplog.text


def test_tables_of_pixels_that_do_not_belong_together_are_named(tmp_path: Path) -> None:
    for name in ("mine", "yours"):
        write_table(tmp_path / f"{name}.csv", [f"3,{pixels(1)}"], "emotion,pixels")
    with pytest.raises(InputError, match=r"got several tables: mine\.csv, yours\.csv"):
        load(tmp_path)


@pytest.mark.parametrize(
    "header", ["emotion;pixels;Usage", "Label,Pixels,Split", "expression\tpixels\tset", "class,pixels,usage"]
)
def test_other_usual_column_names_and_delimiters_are_read(header: str, tmp_path: Path) -> None:
    delimiter = next(one for one in ",;\t" if one in header)
    table = write_table(tmp_path / "mine.csv", [delimiter.join(("3", pixels(1), "Training"))], header)
    for path in (table, tmp_path):
        faces = load(path, label_map=open_label_map("fer2013"))
        assert ([faces.classes[label] for label in faces.labels], faces.usage.tolist()) == (["happy"], ["train"])
