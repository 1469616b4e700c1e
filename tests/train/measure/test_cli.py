"""The commands that measure finished models, as a user calls them, and what they refuse to compare."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import train.__main__ as commands
from edge_agent.errors import InputError
from edge_agent.model_format.bundle import write_bundle
from edge_agent.model_format.metadata import EARLIER, DataInfo
from tests.support import exported
from tests.support.exported import write_fer2013
from tests.support.tflite_models import dense_model, metadata
from tests.train.data.files import row, write_face, write_table
from tests.train.faces import bright_halves, two_to_one
from train.data import load
from train.fit.inputs import TrainingInputs
from train.fit.recipe import Phase, Recipe
from train.fit.run_dir import RunDir
from train.fit.trainer import fit
from train.measure.predictors import held_out_faces, open_predictor

Call = Callable[..., int]
PROTOCOL = "fer2013-official"


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch) -> Call:
    """Runs a command line and gives its exit code."""

    def run_it(*words: object) -> int:
        monkeypatch.setattr("sys.argv", ["train", *map(str, words)])
        with pytest.raises(SystemExit) as left:
            commands.main()
        return int(left.value.code or 0)

    return run_it


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_fer2013(tmp_path_factory.mktemp("data") / "fer2013.csv", train=10, public=20)


def bundle(path: Path, protocol: str = PROTOCOL, *, earlier: tuple[DataInfo, ...] = (), **changes: object) -> Path:
    used = DataInfo(name="FER2013", sha256="f" * 64, protocol=protocol)
    write_bundle(path, dense_model(), metadata(data=(used, *earlier), **changes))
    return path


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return bundle(tmp_path / "dense.tflite")


def test_robustness_is_reported_and_drawn(
    model: Path, data: Path, tmp_path: Path, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("robustness", model, model, "--data", data, "--out", tmp_path / "plot.png") == 0

    said = capsys.readouterr()
    assert "| mean change" in said.out
    assert "On average dense, int8 loses" in said.out
    assert "blur, sigma 1 px" in said.err
    assert (tmp_path / "plot.png").is_file()


def test_a_picture_that_cannot_be_drawn_is_refused_before_anything_is_measured(
    model: Path, data: Path, tmp_path: Path, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    for out in (tmp_path, tmp_path / "plot.docx"):
        assert call("robustness", model, "--data", data, "--out", out) == InputError.exit_code
        said = capsys.readouterr().err
        assert "expected a file that can be written" in said
        assert "blur" not in said


def test_robustness_speaks_json(model: Path, data: Path, call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("robustness", model, "--data", data, "--json") == 0

    (reported,) = json.loads(capsys.readouterr().out)
    assert reported["faces"] == 20
    assert {one["kind"] for one in reported["spoilt"]} > {"blur", "mask", "roll"}


def test_faces_of_another_data_set_are_classified(
    model: Path, tmp_path: Path, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, label in enumerate(("anger", "contempt", "happy")):
        write_face(tmp_path / "ck" / label / f"S00{number}_001_00000001.png", np.full((48, 48), 99, np.uint8))

    assert call("generalise", model, "--data", tmp_path / "ck") == 0
    assert "CK+48, 2 images" in capsys.readouterr().out


def test_a_recovered_network_is_compared_with_its_bundle(
    tmp_path: Path, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    write_bundle(tmp_path / "own.tflite", exported.flatbuffer("int8"), exported.bundle("int8").metadata)
    faces = write_fer2013(tmp_path / "fer2013.csv", train=100, public=100)

    assert call("readback", tmp_path / "own.tflite", "--data", faces, "--json") == 0
    reported = json.loads(capsys.readouterr().out)
    assert reported["images"] == 100
    assert reported["agreement"] >= 0.95, "it answers as the bundle does"
    assert reported["recovered"] == pytest.approx(reported["bundle"], abs=0.05)
    assert reported["agreement_in_batches"] < 1.0, "batches of a hundred are normalised otherwise than all faces"

    assert call("readback", tmp_path / "own.tflite", "--data", faces) == 0
    assert "read back, before any training" in capsys.readouterr().out


def test_answers_are_compared_with_votes(
    model: Path, tmp_path: Path, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_table(tmp_path / "fer2013.csv", [row(0), row(1, 3, "PublicTest"), row(2, 4, "PublicTest")])
    table = write_table(
        tmp_path / "fer2013new.csv",
        ["Training,a,10,0,0,0,0,0,0,0,0,0", "PublicTest,b,0,9,1,0,0,0,0,0,0,0", "PublicTest,c,0,0,0,0,0,0,0,0,0,10"],
        "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF",
    )

    assert call("votes", model, "--data", data, "--votes", table) == 0
    assert "1 not a face" in capsys.readouterr().out


def test_a_run_and_a_bundle_are_measured_alike(tmp_path: Path) -> None:
    faces = bright_halves(24)
    recipe = Recipe(title="", source="", command="", cost="", expected="", model="testing", phases=(Phase(epochs=1),))
    fit(TrainingInputs(recipe, faces, two_to_one(faces)), RunDir(tmp_path / "run"))

    predictor = open_predictor(tmp_path / "run")

    assert (predictor.name, predictor.labels, predictor.temperature) == ("run", faces.classes, 1.0)
    assert predictor.provenance.data == {faces.fingerprint(): "halves"}
    assert len(predictor.identity) == 12
    assert predictor.predict(faces.images).sum(axis=1) == pytest.approx(np.ones(24), abs=1e-5)


def test_the_faces_are_those_the_models_were_not_trained_on(model: Path, data: Path) -> None:
    faces = held_out_faces(data, (open_predictor(model),))
    assert set(faces.usage) == {"PublicTest"}


def test_data_that_a_model_was_not_trained_on_are_warned_of(
    model: Path, data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    held_out_faces(data, (open_predictor(model),))
    assert "is not the very data dense, int8 was trained on" in caplog.text


def test_a_model_trained_on_the_faces_is_not_measured_on_them(model: Path, data: Path, tmp_path: Path) -> None:
    other = open_predictor(bundle(tmp_path / "other.tflite", "random-by-class", name="other"))
    with pytest.raises(InputError, match=r"other, int8, trained by random-by-class: got faces it was trained on"):
        held_out_faces(data, (open_predictor(model), other))


@pytest.mark.parametrize("others", [0, 1])
def test_a_model_whose_earlier_training_had_the_faces_is_not_measured_on_them(
    model: Path, data: Path, tmp_path: Path, others: int
) -> None:
    before = DataInfo(name="own", sha256=load(data).fingerprint(), protocol="random-by-class seed=1", use=EARLIER)
    measured = [*[model] * others, bundle(tmp_path / "other.tflite", earlier=(before,), name="other")]
    with pytest.raises(InputError, match="other, int8, trained by random-by-class seed=1: got faces it was trained on"):
        held_out_faces(data, tuple(map(open_predictor, measured)))


@pytest.mark.parametrize("protocol", ["random-by-class seed=1", "ckplus-by-subject fold=0"])
def test_a_model_of_other_data_is_measured_whatever_its_split(
    model: Path, data: Path, tmp_path: Path, protocol: str
) -> None:
    used = DataInfo(name="faces", sha256="e" * 64, protocol=protocol)
    write_bundle(tmp_path / "other.tflite", dense_model(), metadata(data=(used,)))
    faces = held_out_faces(data, (open_predictor(model), open_predictor(tmp_path / "other.tflite")))
    assert set(faces.usage) == {"PublicTest"}


def test_models_of_other_labels_are_not_measured_together(model: Path, data: Path, tmp_path: Path) -> None:
    other = bundle(tmp_path / "other.tflite", labels=tuple("abcdefg"))
    with pytest.raises(InputError, match="labels: got a, b, c"):
        held_out_faces(data, (open_predictor(model), open_predictor(other)))
