"""The selection score: what it is the mean of, its intervals, and where it is recorded and shown."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from edge_agent.errors import InputError
from edge_agent.model_format.bundled import BUNDLED_MODELS
from edge_agent.model_format.labels import CK_PLUS, FER2013
from edge_agent.model_format.priors import NAMED_PRIORS
from edge_agent.vision.classifier import BUNDLED_MODEL, Classifier
from tests.train.data.files import face, face_set, row, write_face, write_table
from tests.train.predicting import always, predictor
from tests.train.runs import RECIPE, begun_run
from train.__main__ import app
from train.data import load
from train.data.dataset import FaceSet
from train.data.splits import make_split
from train.fit.inputs import TrainingInputs
from train.fit.provenance import Provenance
from train.fit.recipe import Phase
from train.fit.run_dir import RunDir
from train.fit.trainer import fit
from train.measure.compare import compare
from train.measure.evaluate import evaluate
from train.measure.predictors import open_predictor
from train.measure.selection import (
    SelectionData,
    load_selection_data,
    note_on_labels,
    parse_prior,
    record_score,
    recorded_score,
    score_selection,
    to_markdown,
)

PERSONS = [f"S{number // 2:03d}" for number in range(14)]


def marked(labels: list[int], classes: tuple[str, ...] = FER2013, subject: list[str] | None = None) -> FaceSet:
    """Faces whose first pixel says which label :func:`read_mark` gives: their own, by FER2013's numbers."""
    faces = face_set(labels, classes=classes, usage=["PublicTest"] * len(labels), subject=subject or [])
    for image, label in zip(faces.images, labels, strict=True):
        image[0, 0, 0] = FER2013.index(classes[label]) if classes[label] in FER2013 else 0
    return faces


def read_mark(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    logits: NDArray[np.float32] = np.eye(7, dtype=np.float32)[images[:, 0, 0, 0]]
    return np.asarray(9.0 * logits, np.float32)


def always_happy(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.asarray(9.0 * always(*[3] * len(images))(images), np.float32)


@pytest.fixture
def data() -> SelectionData:
    many = [0, 1, 2, 3, 3, 3, 3, 3, 4, 5, 6, 6]
    with_contempt = marked([0, 3, 6] * 4 + [3, 3], CK_PLUS, PERSONS)
    return SelectionData(marked(many), {"RAF-DB": marked(many), "CK+48": with_contempt})


def test_it_is_the_mean_over_the_sets_of_the_mean_of_accuracy_and_mean_recall(data: SelectionData) -> None:
    found = score_selection(predictor(always_happy), data, "training")
    public, raf, ck = found.sets
    assert (public.accuracy, public.mean_recall) == (pytest.approx(5 / 12), pytest.approx(1 / 7))
    assert (public.data, raf.data, ck.data) == ("PublicTest", "RAF-DB", "CK+48")
    assert (ck.accuracy, ck.mean_recall) == (pytest.approx(6 / 10), pytest.approx(1 / 2)), "without contempt"
    expected = np.mean([(one.accuracy + one.mean_recall) / 2 for one in (public, raf, ck)])
    assert found.score == pytest.approx(expected)
    assert public.precision["happy"] == pytest.approx(5 / 12)
    assert public.precision["sad"] is None


def test_a_model_that_is_always_right_has_all_of_it_without_doubt(data: SelectionData) -> None:
    found = score_selection(predictor(read_mark), data, "training")
    assert (found.score, found.interval) == (1.0, (1.0, 1.0))


def test_intervals_hold_the_score_and_are_over_persons_where_data_name_them(data: SelectionData) -> None:
    found = score_selection(predictor(always_happy), data, "training")
    assert found.interval[0] < found.score < found.interval[1]
    assert [one.persons for one in found.sets] == [0, 0, 7]
    assert all(one.accuracy_interval[0] <= one.accuracy <= one.accuracy_interval[1] for one in found.sets)


def test_only_public_test_of_fer2013_is_scored(data: SelectionData) -> None:
    usage = np.array(["Training"] * 4 + ["PublicTest"] * 8)
    some = dataclasses.replace(data, fer2013=dataclasses.replace(data.fer2013, usage=usage))
    assert score_selection(predictor(read_mark), some, "training").sets[0].images == 8


def test_the_prior_changes_the_answers_as_on_the_device() -> None:
    model = open_predictor(BUNDLED_MODEL)
    faces = np.random.default_rng(1).integers(0, 256, (20, 48, 48, 1), dtype=np.uint8)
    for prior in NAMED_PRIORS:
        assert np.array_equal(model.predict(faces, prior), Classifier.load(BUNDLED_MODEL, prior=prior).predict(faces))


def test_a_model_trained_on_faces_to_score_on_is_refused(data: SelectionData) -> None:
    raf = Provenance(data={data.others["RAF-DB"].fingerprint(): "photographs"})
    with pytest.raises(InputError, match="a model trained on made"):
        score_selection(predictor(read_mark, provenance=raf), data)
    faces = data.fer2013
    all_of_it = Provenance(splits={faces.fingerprint(): ("random-by-class seed=0",)}, data={faces.fingerprint(): "own"})
    with pytest.raises(InputError, match="trained on faces of PublicTest, by random-by-class"):
        score_selection(predictor(read_mark, provenance=all_of_it), data)


def test_data_without_public_test_are_refused(tmp_path: Path) -> None:
    for label in ("happy", "sad"):
        write_face(tmp_path / "faces" / label / "a.png", face(1))
    with pytest.raises(InputError, match=r"no part PublicTest.*--fer2013"):
        load_selection_data(tmp_path / "faces", tmp_path / "faces", tmp_path / "faces", 1)


def test_a_score_is_kept_beside_its_run_and_shown_where_runs_are_compared(tmp_path: Path, data: SelectionData) -> None:
    run = begun_run(tmp_path / "run", val_accuracies=[0.5])
    begun_run(tmp_path / "other", val_accuracies=[0.5])
    found = score_selection(predictor(read_mark), data, "half")
    record_score(run.path, found)
    assert recorded_score(run.path) == found
    shown = compare([run.path, tmp_path / "other"]).statistics["selection score"]
    assert shown == ("100.00%, prior half", "-")


def test_a_damaged_score_is_reported(tmp_path: Path) -> None:
    run = begun_run(tmp_path / "run", val_accuracies=[0.5])
    (run.path / "evaluation").mkdir()
    (run.path / "evaluation" / "selection.json").write_text("{}")
    with pytest.raises(InputError, match=r"selection\.json.*python -m train score"):
        recorded_score(run.path)


@pytest.mark.parametrize(
    "text",
    ["flat", "happy", "happy=0.5", "happy=0.5,sad=x", "happy=1.0,sad=0", "happy=nan,sad=0.5", "sad=0.5,happy=nan", ""],
)
def test_a_prior_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="expected balanced, half, training, or LABEL=SHARE"):
        parse_prior(text)


@pytest.mark.parametrize(
    ("text", "received"),
    [
        ("Flat", "'Flat'"),
        ("happy=0.5,sad=10%", "'10%' for sad"),
        ("happy=0.5,sad", "'sad'"),
        ("happy=0.5,=0.5", "0.5 for no label"),
        ("sad=0.5,happy=nan", "nan for happy"),
        ("happy=0.5,sad=-0.5", "-0.5 for sad"),
        ("happy=0.5,sad=0.25,happy=0.5", "happy twice"),
        ("happy=0.5,sad=0.4", "shares that sum to 0.9"),
    ],
)
def test_a_refused_prior_says_which_part_of_it_is_wrong(text: str, received: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_prior(text)
    assert str(caught.value).startswith(f"prior: got {received}, expected ")


def test_a_prior_of_other_labels_is_refused_before_any_data_are_read(tmp_path: Path) -> None:
    nothing = str(tmp_path / "nothing")
    options = ["--fer2013", nothing, "--rafdb", nothing, "--ckplus", nothing, "--prior", "Happy=0.5,sad=0.5"]
    found = CliRunner().invoke(app, ["score", str(BUNDLED_MODEL), *options])
    assert str(found.exception).startswith(
        "prior for edge, int8: got a share for Happy and none for angry, disgust, fear, happy, surprise, neutral, "
    )


def test_every_model_is_opened_before_any_is_scored(tmp_path: Path) -> None:
    nothing = str(tmp_path / "nothing")
    options = ["--fer2013", nothing, "--rafdb", nothing, "--ckplus", nothing]
    found = CliRunner().invoke(app, ["score", str(BUNDLED_MODEL), str(tmp_path), *options])
    assert "no run.json in it" in str(found.exception)


def test_data_sets_in_the_place_of_others_are_refused(tmp_path: Path) -> None:
    table = write_table(tmp_path / "fer2013.csv", [row(1, 3, "Training"), row(2, 3, "PublicTest")])
    for seed, (number, label) in enumerate([("4", "happy"), ("5", "sad")]):
        write_face(tmp_path / "rafdb" / "test" / number / f"{seed}.png", face(100 + seed))
        write_face(tmp_path / "CK+48" / label / f"S{seed:03d}_001_00000001.png", face(200 + seed))
    raf, ck = tmp_path / "rafdb", tmp_path / "CK+48"
    assert load_selection_data(table, raf, ck, 1).others["CK+48"].name == "CK+48"
    with pytest.raises(InputError, match=r"CK\+48: got CK\+48, expected RAF-DB\. Name the folder .* with --rafdb"):
        load_selection_data(table, ck, ck, 1)
    write_face(tmp_path / "faces" / "happy" / "a.png", face(1))
    write_face(tmp_path / "faces" / "sad" / "b.png", face(2))
    with pytest.raises(InputError, match=r"faces: got no pictures of CK\+48, expected CK\+48\. .* with --ckplus"):
        load_selection_data(table, raf, tmp_path / "faces", 1)
    with pytest.raises(InputError, match=r"got FER2013, expected CK\+48"):
        load_selection_data(table, raf, table, 1)


def test_priors_are_read_from_the_command_line() -> None:
    assert parse_prior("half") == "half"
    assert parse_prior("happy=0.25, sad=0.75") == {"happy": 0.25, "sad": 0.75}


def test_the_table_names_model_prior_and_sets(data: SelectionData) -> None:
    text = to_markdown([score_selection(predictor(read_mark), data, prior) for prior in NAMED_PRIORS])
    assert "PublicTest, 12" in text
    assert "100.0 (100.0 to 100.0)" in text
    assert "calibration error" in text


def test_a_model_that_lacks_labels_is_not_compared_with_one_that_has_them(data: SelectionData) -> None:
    whole = predictor(read_mark)
    part = dataclasses.replace(whole, labels=("happy", "sad"), logits=lambda images: read_mark(images)[:, 3:5])
    assert note_on_labels(whole, data) == ""
    assert "lacks angry, disgust, fear, surprise, neutral: faces with these labels are left out" in (
        note_on_labels(part, data)
    )
    text = to_markdown([score_selection(one, data, "training") for one in (whole, part)])
    assert "PublicTest, 12" not in text
    assert "100.0 (100.0 to 100.0) / 100.0 (100.0 to 100.0), 12 faces" in text
    assert "100.0 (100.0 to 100.0) / 100.0 (100.0 to 100.0), 6 faces" in text


def test_the_bundled_models_reach_what_their_cards_say(data_dir: Path) -> None:
    found = CliRunner().invoke(
        app,
        [
            *("score", str(BUNDLED_MODEL), "--fer2013", str(data_dir / "fer2013"), "--rafdb", str(data_dir / "rafdb")),
            *("--ckplus", str(data_dir / "ck48"), "--json"),
        ],
    )
    (scored,) = json.loads(found.stdout)
    assert (scored["prior"], [one["images"] for one in scored["sets"]]) == ("half", [3589, 4110, 927])
    assert scored["score"] == pytest.approx(0.702, abs=0.005)


def test_the_bundled_models_can_be_scored_together(data_dir: Path) -> None:
    found = CliRunner().invoke(
        app,
        [
            *("score", *map(str, BUNDLED_MODELS.values()), "--together", "--flip", "--prior", "training", "--json"),
            *("--fer2013", str(data_dir / "fer2013"), "--rafdb", str(data_dir / "rafdb")),
            *("--ckplus", str(data_dir / "ck48")),
        ],
    )
    (scored,) = json.loads(found.stdout)
    assert scored["name"] == "expression.tflite + expression-tiny.tflite, mirror images too"
    assert 0.66 < scored["score"] < 0.71


def test_mirror_images_are_only_for_bundles_together() -> None:
    found = CliRunner().invoke(
        app, ["score", str(BUNDLED_MODEL), "--flip", "--fer2013", "x", "--rafdb", "x", "--ckplus", "x"]
    )
    assert found.exit_code == 2
    assert "--together" in found.output


def test_the_calibration_error_is_that_of_the_evaluation(data: SelectionData) -> None:
    scored = score_selection(predictor(always_happy), data, "training").sets[0]
    shown = predictor(always_happy).predict(data.fer2013.images)
    assert scored.calibration_error == pytest.approx(evaluate(shown, data.fer2013.labels, FER2013).calibration_error)


def test_the_command_scores_a_run_and_writes_the_score_beside_it(tmp_path: Path) -> None:
    rows = [row(seed, seed % 7, "Training" if seed < 28 else "PublicTest") for seed in range(42)]
    table = write_table(tmp_path / "fer2013.csv", rows)
    for seed, (number, label) in enumerate([("4", "happy"), ("5", "sad"), ("2", "fear")] * 2):
        write_face(tmp_path / "rafdb" / "test" / number / f"{seed}.png", face(100 + seed))
        write_face(tmp_path / "CK+48" / label / f"S{seed:03d}_001_00000001.png", face(200 + seed))
    faces = load(table)
    recipe = msgspec.structs.replace(RECIPE, model="testing", phases=(Phase(epochs=1, side_px=16),))
    run = RunDir(tmp_path / "run")
    fit(TrainingInputs(recipe, faces, make_split(faces, "fer2013-official")), run)
    options = ["--fer2013", str(table), "--rafdb", str(tmp_path / "rafdb"), "--ckplus", str(tmp_path / "CK+48")]

    result = CliRunner().invoke(app, ["score", str(run.path), *options, "--prior", "balanced", "--json"])

    (printed,) = json.loads(result.stdout)
    recorded = recorded_score(run.path)
    assert recorded is not None
    assert (recorded.prior, recorded.score) == ("balanced", pytest.approx(printed["score"]))
    assert [one["persons"] for one in printed["sets"]] == [0, 0, 6]
    assert run.record().prior == pytest.approx(dict.fromkeys(FER2013, 1 / 7), abs=1e-5)
