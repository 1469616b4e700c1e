"""Still pictures: JSON, table, annotated copies, and when the answer is ``uncertain``."""

from __future__ import annotations

import csv
import io
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_agent.commands.classify import Annotations, ClassifiedImage, annotated, table, write_table
from edge_agent.errors import InputError
from edge_agent.simulate import SimulatedClassroom, draw_face
from edge_agent.types import Box, Detection, Image
from edge_agent.vision.classifier import Classifier
from edge_agent.vision.images import ClassifiedFace, classify_faces
from edge_agent.vision.region import Region
from tests.support.commands import edge_agent

SURE = ClassifiedFace(Box(10.4, 20.6, 30.2), "happy", 0.91234, {"happy": 0.91234, "sad": 0.08766})
UNSURE = ClassifiedFace(Box(60, 20, 30), "uncertain", 0.4, {"happy": 0.4, "sad": 0.35})
GRAY = np.full((80, 120, 3), 90, np.uint8)
CLASS = SimulatedClassroom(6, 1280, 720, seed=1).render(2.0)


def classify(*arguments: object) -> subprocess.CompletedProcess[str]:
    return edge_agent("classify", "--detector", "haar", *arguments)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with two pictures and a broken one."""
    folder = tmp_path / "photos"
    folder.mkdir()
    cv2.imwrite(str(folder / "class.png"), CLASS)
    cv2.imwrite(str(folder / "one.jpg"), draw_face("happy", 1.0, 3, 320).image)
    (folder / "zz.jpg").write_bytes(b"no picture")
    return folder


def test_a_box_has_the_names_of_the_messages() -> None:
    face = ClassifiedImage(Path("a.jpg"), (SURE,)).as_dict()["faces"][0]
    assert face["box"] == {"left": 10, "top": 21, "side": 30}


def test_a_face_crop_has_no_box() -> None:
    crop = ClassifiedImage(Path("a.jpg"), (ClassifiedFace(None, "sad", 0.8, {"sad": 0.8}),))
    assert crop.as_dict()["faces"][0]["box"] is None
    assert crop.as_text() == "a.jpg: sad 80%"


def test_the_table_has_a_row_for_every_face_and_for_pictures_without() -> None:
    images = [
        ClassifiedImage(Path("a, b.jpg"), (SURE, UNSURE)),
        ClassifiedImage(Path("none.jpg")),
        ClassifiedImage(Path("broken.jpg"), error="broken.jpg: got 3 bytes"),
    ]
    rows = list(csv.DictReader(io.StringIO(table(images, ("happy", "sad")))))
    assert [row["image"] for row in rows] == ["a, b.jpg", "a, b.jpg", "none.jpg", "broken.jpg"]
    assert [row["face"] for row in rows] == ["1", "2", "", ""]
    assert (rows[0]["left"], rows[0]["top"], rows[0]["side"], rows[0]["happy"]) == ("10", "21", "30", "0.9123")
    assert (rows[1]["expression"], rows[2]["expression"]) == ("uncertain", "")
    assert rows[3]["error"] == "broken.jpg: got 3 bytes"


def test_the_table_replaces_no_picture(tmp_path: Path) -> None:
    photo = tmp_path / "a.jpg"
    photo.write_bytes(b"precious")
    with pytest.raises(InputError, match="one of the pictures"):
        write_table(photo, [ClassifiedImage(photo)], ())
    assert photo.read_bytes() == b"precious"


def test_an_annotated_copy_shows_a_box_and_leaves_the_picture_alone() -> None:
    before = GRAY.copy()
    copy = annotated(GRAY, [SURE, UNSURE])
    assert np.array_equal(GRAY, before)
    assert copy.shape == GRAY.shape
    assert copy[35, 10].tolist() == [80, 220, 80]
    assert copy[35, 60].tolist() == [170, 170, 170]
    assert copy[35, 25].tolist() == [90, 90, 90]


def test_boxes_of_a_reduced_picture_are_drawn_at_their_place() -> None:
    face = ClassifiedFace(Box(40, 160, 80), "happy", 0.9, {"happy": 0.9})
    assert annotated(GRAY, [face], scale=4)[50, 10].tolist() == [80, 220, 80]


def test_faces_at_and_beyond_the_edge_can_be_drawn() -> None:
    faces = [
        ClassifiedFace(Box(x, y, 40), "zufrieden ü", 0.9, {}) for x in (-60, -20, 110, 300) for y in (-60, 60, 300)
    ]
    assert annotated(GRAY[:, :, 0], [*faces, ClassifiedFace(None, "sad", 0.5, {})]).shape == (80, 120, 3)


def test_copies_of_equally_named_pictures_do_not_replace_each_other(tmp_path: Path) -> None:
    copies = Annotations(tmp_path / "out", [tmp_path, tmp_path / "b"], [])
    written = [copies.write(GRAY, 1, ClassifiedImage(tmp_path / folder / "a.jpg")).name for folder in "xyz"]
    assert written == ["a.jpg", "a-2.jpg", "a-3.jpg"]
    assert copies.write(GRAY, 1, ClassifiedImage(tmp_path / "moving.gif")).name == "moving.jpg"


def test_for_a_folder_of_pictures_the_name_of_a_picture_is_no_place_for_the_copies(photos: Path) -> None:
    done = classify(photos, "--annotate", photos.parent / "out.jpg")
    assert done.returncode == 3
    assert "a folder, since several pictures are classified" in done.stderr
    assert not (photos.parent / "out.jpg").exists()


def test_a_place_where_no_table_can_be_is_refused_before_any_picture_is_read(photos: Path) -> None:
    for place, said in ((photos / "gone" / "t.csv", "not there"), (photos, "a folder"), (photos / "one.jpg", "one of")):
        done = classify(photos, "--csv", place)
        assert done.returncode == 3
        assert said in done.stderr
        assert done.stdout == ""


def test_a_copy_never_replaces_the_picture_itself(photos: Path) -> None:
    before = (photos / "one.jpg").read_bytes()
    other = photos.parent / "one.jpg"
    other.write_bytes(before)
    for pictures, out in (
        ([photos / "one.jpg"], photos),
        ([photos / "one.jpg"], photos / "one.jpg"),
        ([other, photos / "one.jpg"], photos),
    ):
        done = classify(*pictures, "--annotate", out)
        assert done.returncode == 3
        assert "one of the pictures itself" in done.stderr
    assert (photos / "one.jpg").read_bytes() == before


@pytest.mark.parametrize(("out", "said"), [("copy.txt", "one of .jpg"), ("copy.pdf", "one of .jpg")])
def test_a_copy_needs_a_known_kind_of_file(photos: Path, tmp_path: Path, out: str, said: str) -> None:
    done = classify(photos / "one.jpg", "--annotate", tmp_path / out)
    assert (done.returncode, said in done.stderr) == (3, True)


def test_several_pictures_need_a_folder(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "file.jpg").write_bytes(b"")
    done = classify(photos, "--annotate", tmp_path / "file.jpg")
    assert done.returncode == 3
    assert "expected a folder" in done.stderr


def test_a_folder_gives_copies_and_a_table_and_names_what_is_broken(photos: Path, tmp_path: Path) -> None:
    out, sheet = tmp_path / "out", tmp_path / "faces.csv"
    done = classify(photos, "--annotate", out, "--csv", sheet, "--json")
    assert done.returncode == 3
    assert sorted(path.name for path in out.iterdir()) == ["class.png", "one.jpg"]
    rows = list(csv.DictReader(io.StringIO(sheet.read_text(encoding="utf-8"))))
    images = json.loads(done.stdout)["images"]
    assert len(rows) == sum(max(1, len(image.get("faces", []))) for image in images) >= 8
    assert rows[-1]["error"]
    assert sheet.stat().st_mode & 0o777 == 0o600
    copy = cv2.imread(str(out / "class.png"))
    assert copy is not None
    assert copy.shape == (720, 1280, 3)


class EyesAnyWayUp:
    """Finds a face in the brighter half of any picture, and is surer of one in the upper half."""

    name = "yunet"

    def detect(self, image: Image) -> list[Detection]:
        height, width = image.shape[:2]
        upper, lower = float(image[: height // 2].mean()), float(image[height // 2 :].mean())
        return [Detection(Box(width / 4, height / 4, height / 3), 0.92 if upper > lower else 0.75)]

    def detect_in(self, _image: Image, _regions: Sequence[Region]) -> tuple[list[Detection], tuple[Region, ...]]:
        return [], ()

    def region_area(self, _image: Image) -> float:
        return 0.0


def test_nothing_is_read_from_faces_that_are_upside_down() -> None:
    picture = draw_face("happy", 1.0, 3, 320).image
    picture[:40] = 255
    upright = classify_faces(picture, EyesAnyWayUp(), Classifier.load())
    hanging = classify_faces(np.ascontiguousarray(picture[::-1, ::-1]), EyesAnyWayUp(), Classifier.load())
    assert (upright.turned_by, upright.faces[0].unread) == (0, None)
    (face,) = hanging.faces
    assert (hanging.turned_by, face.unread, face.expression) == (180, "turned", "uncertain")
    assert face.confidence == pytest.approx(1 / 7)
    assert len(set(face.scores.values())) == 1


def test_a_turned_picture_is_named_as_such_with_or_without_faces(tmp_path: Path) -> None:
    face = ClassifiedFace(Box(0, 0, 30), "uncertain", 0.9, {"happy": 0.9}, "turned")
    hanging = ClassifiedImage(Path("a.jpg"), (face,), turned_by=180)
    assert "upside down" in hanging.as_text()
    assert "uncertain (turned)" in hanging.as_text()
    assert hanging.as_dict()["turned_by_deg"] == 180
    row = next(csv.DictReader(io.StringIO(table([hanging], ("happy",)))))
    assert (row["expression"], row["unread"]) == ("uncertain", "turned")
    cv2.imwrite(str(tmp_path / "side.png"), cv2.rotate(CLASS, cv2.ROTATE_90_CLOCKWISE))
    done = classify(tmp_path / "side.png")
    assert "on their side" in done.stdout
    assert "clockwise by 270 degrees" in done.stdout


def test_under_the_floor_the_answer_is_uncertain_as_the_agent_says(photos: Path) -> None:
    (low,) = json.loads(classify(photos / "one.jpg", "--json").stdout)["images"][0]["faces"]
    high = json.loads(classify(photos / "one.jpg", "--json", "--uncertain-below", "1").stdout)["images"][0]["faces"][0]
    assert low["expression"] == max(low["scores"], key=low["scores"].get)
    assert high["expression"] == "uncertain"
    assert (high["confidence"], high["scores"]) == (low["confidence"], low["scores"])
