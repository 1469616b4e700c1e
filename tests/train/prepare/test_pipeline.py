"""Own photographs to crops: what is found, what is left out and why, and who may be in which part."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_agent.config import DetectorSettings
from edge_agent.errors import InputError
from edge_agent.model_format.crop import crop_face
from edge_agent.simulate import draw_face
from edge_agent.types import Box, Detection
from edge_agent.vision.detector import open_detector
from edge_agent.vision.image_file import read_image_file
from train.data import load
from train.data.splits import make_split
from train.prepare.face_cropping import Policy, choose
from train.prepare.photos import files_without_class, find_photos
from train.prepare.pipeline import prepare
from train.prepare.report import PreparationReport, to_markdown

HAAR = Policy(detector="haar")


def photograph(path: Path, expression: str, person: int, side_px: int = 200) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), draw_face(expression, 1.0, person, side_px).image)
    return path


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six people in two classes, each twice, and one of every kind of file that cannot be used."""
    root = tmp_path_factory.mktemp("photos") / "own"
    for person in range(6):
        for shot, side in enumerate((180, 220)):
            photograph(root / "Smiling" / f"p{person}" / f"{shot}.jpg", "happy", person, side)
            photograph(root / "calm" / f"p{person}" / f"{shot}.png", "neutral", person, side)
    two = [draw_face("neutral", 1.0, person, 200).image for person in (20, 21)]
    cv2.imwrite(str(root / "calm" / "two.png"), np.hstack(two))
    cv2.imwrite(str(root / "calm" / "wall.png"), np.full((200, 200, 3), 200, np.uint8))
    cv2.imwrite(str(root / "calm" / "stamp.png"), np.full((12, 12, 3), 200, np.uint8))
    (root / "calm" / "broken.jpg").write_bytes(b"no picture")
    (root / "calm" / "notes.txt").write_text("to be sorted")
    (root / "calm" / "copy.png").write_bytes((root / "calm" / "p0" / "0.png").read_bytes())
    photograph(root / "Smiling" / "both.png", "surprise", 23)
    photograph(root / "calm" / "both.png", "surprise", 23)
    return root


@pytest.fixture(scope="module")
def prepared(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, PreparationReport]:
    out = tmp_path_factory.mktemp("prepared") / "crops"
    return out, prepare(photos, out, HAAR)


def test_crops_are_what_the_device_would_cut(photos: Path, prepared: tuple[Path, PreparationReport]) -> None:
    out, report = prepared
    detector = open_detector(DetectorSettings(kind="haar"))
    face = next(face for face in report.faces if face.file == "Smiling/p3/1.jpg")
    image = read_image_file(photos / face.file)
    box = detector.detect(image)[0].box
    stored = cv2.imread(str(out / face.crop), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(stored, crop_face(image, box.left, box.top, box.side))


def test_a_loader_reads_the_crops_as_they_are(prepared: tuple[Path, PreparationReport]) -> None:
    out, report = prepared
    faces = load(out)
    assert (faces.classes, len(faces)) == (("calm", "smiling"), 24)
    by_crop = {face.crop: face for face in report.faces}
    for image, origin, label in zip(faces.images, faces.origin, faces.labels, strict=True):
        np.testing.assert_array_equal(image[..., 0], cv2.imread(str(out / str(origin)), cv2.IMREAD_UNCHANGED))
        assert by_crop[str(origin)].label == faces.classes[label]


@pytest.mark.parametrize(
    ("file", "reason", "detail"),
    [
        ("calm/two.png", "several faces", "2 faces, policy clear"),
        ("calm/wall.png", "no face", "200 x 200 pixels"),
        ("calm/stamp.png", "too small", "the picture has 12 x 12 pixels"),
        ("calm/broken.jpg", "unreadable", "no picture"),
        ("calm/notes.txt", "unreadable", ".txt is no picture format"),
        ("calm/copy.png", "duplicate", "the same pixels as 0.png"),
        ("calm/both.png", "two classes", "the same picture stands under calm and smiling"),
        ("Smiling/both.png", "two classes", "the same picture stands under calm and smiling"),
    ],
)
def test_what_is_left_out_is_reported_with_its_reason(
    prepared: tuple[Path, PreparationReport], file: str, reason: str, detail: str
) -> None:
    reported = {one.file: one for one in prepared[1].skipped}
    assert reported[file].reason == reason
    assert detail in reported[file].detail


def test_every_file_is_either_a_crop_or_reported(prepared: tuple[Path, PreparationReport]) -> None:
    report = prepared[1]
    assert report.files == len({face.file for face in report.faces} | {one.file for one in report.skipped})


def test_nobody_is_in_two_parts_and_every_part_has_every_class(prepared: tuple[Path, PreparationReport]) -> None:
    out, report = prepared
    parts: dict[str, set[str]] = {}
    for face in report.faces:
        parts.setdefault(face.person, set()).add(face.part)
    assert all(len(where) == 1 for person, where in parts.items() if person)
    assert set(report.counts()) == {"train", "validation", "test"}
    assert all(count > 0 for counts in report.counts().values() for count in counts.values())
    split = make_split(load(out))
    assert (len(split.train), len(split.validation), len(split.test)) == tuple(
        sum(counts.values()) for counts in report.counts().values()
    )


def test_the_report_lies_beside_the_crops_for_machines_and_people(prepared: tuple[Path, PreparationReport]) -> None:
    out, report = prepared
    reported = json.loads((out / "prepare.json").read_text())
    assert reported["skipped_by_reason"] == {
        "too small": 1,
        "unreadable": 2,
        "two classes": 2,
        "several faces": 1,
        "no face": 1,
        "duplicate": 1,
    }
    assert reported["policy"]["several"] == "clear"
    assert (out / "prepare.md").read_text() == to_markdown(report)
    assert "24 faces of 6 people from 32 files, found by haar." in to_markdown(report)


def test_only_their_owner_may_open_the_crops(prepared: tuple[Path, PreparationReport]) -> None:
    assert prepared[0].stat().st_mode & 0o077 == 0
    assert "pictures of people" in (prepared[0] / "READ-ME-FIRST.txt").read_text()


def test_colour_crops_are_read_back_as_they_were_cut(tmp_path: Path) -> None:
    for person in range(2):
        photograph(tmp_path / "own" / "a" / f"{person}.png", "happy", person)
        photograph(tmp_path / "own" / "b" / f"{person}.png", "sad", person)
    prepare(tmp_path / "own", tmp_path / "crops", Policy(detector="haar", channels=3))
    faces = load(tmp_path / "crops", channels=3)
    report = json.loads((tmp_path / "crops" / "prepare.json").read_text())
    place = {face["crop"]: (face["file"], face["box"]) for face in report["faces"]}
    for image, origin in zip(faces.images, faces.origin, strict=True):
        file, (left, top, side) = place[str(origin)]
        whole = read_image_file(tmp_path / "own" / file)
        np.testing.assert_array_equal(image, crop_face(whole, left, top, side, channels=3))


def test_a_face_that_is_there_but_too_small_is_not_called_missing(tmp_path: Path) -> None:
    for person in range(3):
        photograph(tmp_path / "own" / "a" / f"{person}.png", "happy", person)
        photograph(tmp_path / "own" / "b" / f"{person}.png", "sad", person)
    photograph(tmp_path / "own" / "b" / "far.png", "sad", 5, 80)
    report = prepare(tmp_path / "own", tmp_path / "crops", Policy(detector="haar", min_face_px=60))
    assert [(one.file, one.reason) for one in report.skipped] == [("b/far.png", "too small")]


def test_of_several_faces_the_policy_chooses() -> None:
    large, middle, small = (Detection(Box(0, 0, side), 1.0) for side in (90, 50, 40))
    assert choose([small, large, middle], "clear") == [large]
    assert choose([small, middle], "clear") == []
    assert choose([small, middle], "skip") == []
    assert choose([small, middle], "largest") == [middle]
    assert choose([small, large, middle], "all") == [large, middle, small]
    assert choose([small], "skip") == [small]


def test_a_persons_name_may_stand_in_the_files_name(tmp_path: Path) -> None:
    for person in range(4):
        for shot in range(2):
            photograph(tmp_path / "own" / "a" / f"p{person}_{shot}.png", "happy", person, 180 + 30 * shot)
            photograph(tmp_path / "own" / "b" / f"p{person}_{shot}.png", "sad", person, 180 + 30 * shot)
    report = prepare(tmp_path / "own", tmp_path / "crops", Policy(detector="haar", person="^(p[0-9])_"))
    assert report.people == 4
    assert {face.person: face.part for face in report.faces} == {face.person: face.part for face in report.faces[::-1]}


@pytest.mark.parametrize("other", ["anna", "Anna", "ANNA ", "\uff21nna"])
def test_a_persons_name_is_the_same_however_it_is_written(other: str, tmp_path: Path) -> None:
    for folder in ("a/Anna", f"b/{other}"):
        photograph(tmp_path / folder / "1.png", "happy", 1)
    assert {photo.person for photo in find_photos(tmp_path)} == {"anna"}


def test_the_folder_one_is_in_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photograph(tmp_path / "own" / "a" / "1.png", "happy", 1)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(InputError, match=r"--out: got \., the folder this runs in.*Name a new folder"):
        prepare(tmp_path / "own", Path(), Policy(detector="haar"))


def test_the_owners_own_parts_are_kept(tmp_path: Path) -> None:
    for part, people in {"train": (0, 1, 2, 3), "test": (4, 5)}.items():
        for person in people:
            photograph(tmp_path / "own" / part / "a" / f"{person}.png", "happy", person)
            photograph(tmp_path / "own" / part / "b" / f"{person}.png", "sad", person)
    report = prepare(tmp_path / "own", tmp_path / "crops", HAAR)
    assert {face.file for face in report.faces if face.part == "test"} == {
        "test/a/4.png",
        "test/a/5.png",
        "test/b/4.png",
        "test/b/5.png",
    }
    assert sum(report.counts()["validation"].values()) >= 2
    assert "0 of 4 faces outside training show a person or moment that is also in it" in report.notes[0]


def test_one_usable_face_is_too_few_for_a_class(tmp_path: Path) -> None:
    photograph(tmp_path / "own" / "a" / "1.png", "happy", 1)
    photograph(tmp_path / "own" / "b" / "1.png", "sad", 1)
    photograph(tmp_path / "own" / "b" / "2.png", "sad", 2)
    with pytest.raises(InputError, match="class a: got 1 usable face, expected two or more"):
        prepare(tmp_path / "own", tmp_path / "crops", HAAR)
    assert not (tmp_path / "crops").exists()


def test_a_class_without_photographs_is_reported(tmp_path: Path) -> None:
    photograph(tmp_path / "own" / "a" / "1.png", "happy", 1)
    photograph(tmp_path / "own" / "b" / "1.png", "sad", 1)
    (tmp_path / "own" / "c" / "anna").mkdir(parents=True)
    with pytest.raises(InputError, match="own/c: got an empty folder, expected photographs of the class"):
        prepare(tmp_path / "own", tmp_path / "crops", HAAR)


def run_prepare(*words: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "train", "prepare", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False, env=dict(os.environ))


@pytest.mark.parametrize(
    ("layout", "message"),
    [
        ((), "got none, expected different, non-empty names, two or more and none of them 'uncertain'"),
        (("happy",), "got happy, expected different, non-empty names"),
        (("happy", "uncertain"), "got happy, uncertain, expected different"),
        (("train/a", "train/b", "spare"), "a folder beside train/ or test/"),
    ],
)
def test_folders_that_are_not_classes_are_reported(tmp_path: Path, layout: tuple[str, ...], message: str) -> None:
    (tmp_path / "own").mkdir()
    for folder in layout:
        photograph(tmp_path / "own" / folder / "1.png", "happy", 1)
    with pytest.raises(InputError, match=message):
        prepare(tmp_path / "own", tmp_path / "crops", HAAR)


def test_what_is_already_there_is_not_overwritten(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "crops").mkdir()
    (tmp_path / "crops" / "dear.txt").write_text("")
    with pytest.raises(InputError, match="got something that is already there"):
        prepare(photos, tmp_path / "crops", HAAR)
    with pytest.raises(InputError, match="one within the other"):
        prepare(photos, photos / "crops", HAAR)


def test_a_place_that_cannot_be_written_is_refused_before_any_photograph_is_read(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file" / "crops", Path("/proc/crops")):
        with pytest.raises(InputError, match=r"which is no folder|cannot be written"):
            prepare(photos, out, HAAR, lambda *_: pytest.fail("a photograph was read"))


def test_the_command_reports_mistakes_in_one_line_and_successes_as_json(photos: Path, tmp_path: Path) -> None:
    wrong = run_prepare("--images", tmp_path / "none", "--out", tmp_path / "crops")
    assert wrong.returncode == 3
    assert wrong.stderr.startswith(f"error: {tmp_path / 'none'}: got no folder, expected a folder with <class>/")
    assert wrong.stderr.count("\n") == 1

    right = run_prepare("--images", photos, "--out", tmp_path / "crops", "--detector", "haar", "--json")
    assert right.returncode == 0, right.stderr
    assert json.loads(right.stdout)["counts"]["train"]["calm"] > 0
    assert "They are pictures of people" in right.stderr


def test_files_outside_the_class_folders_are_reported_too(tmp_path: Path) -> None:
    for top in (tmp_path, tmp_path / "train"):
        (top / "happy").mkdir(parents=True)
        (top / "stray.jpg").write_bytes(b"")
    (tmp_path / "train" / "happy" / "1.jpg").write_bytes(b"")
    found = [file.relative_to(tmp_path).as_posix() for file in files_without_class(tmp_path)]
    assert found == ["stray.jpg", "train/stray.jpg"]


def test_the_reason_for_each_file_is_given_also_where_no_report_is_written(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for person in range(3):
        photograph(tmp_path / "own/Smiling" / f"p{person}" / "1.png", "happy", person)
    phone = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100)
    (tmp_path / "own/calm").mkdir()
    (tmp_path / "own/calm/1.heic").write_bytes(phone)
    with pytest.raises(InputError, match="class calm: got 0 usable faces"):
        prepare(tmp_path / "own", tmp_path / "crops", HAAR)
    assert "calm/1.heic: unreadable: " in caplog.text
    assert "a picture in the format HEIC" in caplog.text
    for photo in (tmp_path / "own/Smiling").rglob("*.png"):
        photo.write_bytes(b"")
    with pytest.raises(InputError, match=r"got no usable face in 4 files \(4 unreadable\)"):
        prepare(tmp_path / "own", tmp_path / "crops", HAAR)
