"""The command that measures what learning each face at rest gains and costs."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

import train.__main__ as commands
from edge_agent.config import RestingFaceSettings
from edge_agent.errors import InputError
from tests.train.data.files import face, write_face
from tests.train.faces import bright_halves
from tests.train.predicting import predictor
from train.measure.predictors import open_predictor
from train.measure.resting_face import measure_resting_face, to_markdown

SETTINGS = RestingFaceSettings(after_s=10.0)
BUNDLE = Path("edge_agent/models/expression.tflite")


@pytest.mark.slow
def test_drawn_people_who_look_sad_at_rest_are_read_as_neutral_more_often() -> None:
    found = measure_resting_face(open_predictor(BUNDLE), [], RestingFaceSettings(after_s=120.0))
    by_kind = {one.kind: one for one in found}
    leaning = by_kind["drawn, rest leans to sad: at rest"]
    assert leaning.after > leaning.before
    assert by_kind["drawn, rest leans to no expression: at rest"].after == 1.0
    assert "| drawn, rest leans to sad: at rest" in to_markdown(found)


@pytest.mark.parametrize(
    ("own", "drawn"), [(("neutral", "happy", "contempt"), True), (("neutral", "keen", "bored"), False)]
)
def test_labels_that_cannot_be_drawn_are_left_out(own: tuple[str, ...], drawn: bool) -> None:
    model = predictor(lambda images: np.zeros((len(images), len(own)), np.float32), labels=own)
    kinds = {one.kind for one in measure_resting_face(model, [], SETTINGS)}
    assert ("drawn, rest leans to sad: an expression" in kinds) == drawn


@pytest.mark.parametrize("after_s", [10.0, 10.5])
def test_a_lesson_is_long_enough_to_learn_from_whatever_its_length(after_s: float) -> None:
    """Everybody looks sad at rest, and is read as neutral once that is known."""
    sad = predictor(
        lambda images: np.tile(np.array([0.0, 0.5, -3.0], np.float32), (len(images), 1)),
        labels=("neutral", "sad", "happy"),
    )
    found = measure_resting_face(sad, [], RestingFaceSettings(after_s=after_s, max_offset=5.0))
    at_rest = next(one for one in found if one.kind == "drawn, rest leans to sad: at rest")
    assert (at_rest.before, at_rest.after) == (0.0, 1.0)


def lessons_of(origin: list[str], subject: list[str]) -> dict[str, int]:
    """The number of people in each kind of lesson of faces that are all labelled sad."""
    model = predictor(lambda images: np.zeros((len(images), 2), np.float32), labels=("neutral", "sad"))
    faces = dataclasses.replace(
        bright_halves(len(origin)),
        name="own",
        classes=("sad", "neutral"),
        labels=np.zeros(len(origin), np.int64),
        origin=np.array(origin),
        subject=np.array(subject),
    )
    found = measure_resting_face(model, [faces], SETTINGS)
    return {one.kind: one.people for one in found if one.kind.startswith("own")}


def test_people_are_told_apart_by_subject_or_by_the_names_of_files() -> None:
    kind = "own: sad for the whole time"
    files = ["sad/anna_1.jpg", "sad/anna_2.jpg", "sad/p_7_1.jpg", "sad/p_7_2.jpg", "sad/stray.jpg"]
    assert lessons_of(files, [""] * 5) == {kind: 2}, "nobody knows who the fifth is"
    assert lessons_of(files, ["S1"] * 5) == {kind: 1}


@pytest.mark.parametrize("name", ["fer2013.csv:{}", "own_2.csv:{}", "sad/{}.jpg"])
def test_faces_that_do_not_say_who_is_shown_are_not_taken_for_one_persons(name: str) -> None:
    with pytest.raises(InputError, match="own: got faces that do not say who is shown"):
        lessons_of([name.format(number) for number in range(4)], [""] * 4)


def test_a_model_without_a_label_for_faces_at_rest_is_refused() -> None:
    model = predictor(lambda images: np.zeros((len(images), 2), np.float32), labels=("keen", "bored"))
    with pytest.raises(InputError, match="got keen, bored, expected neutral among them"):
        measure_resting_face(model, [], SETTINGS)


@pytest.mark.parametrize(
    "words", [("--after-s", "-5"), ("--after-s", "nan"), ("--max-offset", "nan"), ("--max-offset", "-1")]
)
def test_lessons_of_no_length_and_limits_that_are_none_are_refused(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "--data", "nowhere", *words) == 2
    assert words[0] in capsys.readouterr().err


def test_numbered_classes_are_read_with_a_label_map(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in ("4", "7"):
        for picture in range(4):
            write_face(tmp_path / number / f"anna_{picture}.jpg", face(picture))
    monkeypatch.setattr("train.measure.resting_face._drawn_lessons", lambda _: [])
    words = ("--data", str(tmp_path), "--after-s", "10")
    assert call(monkeypatch, *words) == InputError.exit_code
    assert "--label-map" in capsys.readouterr().err
    assert call(monkeypatch, *words, "--label-map", "rafdb") == 0
    assert "happy for the whole time" in capsys.readouterr().out


def call(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr("sys.argv", ["train", "resting-face", str(BUNDLE), *words])
    with pytest.raises(SystemExit) as left:
        commands.main()
    return int(left.value.code or 0)
