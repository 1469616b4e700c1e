"""``python -m export convert`` and ``verify`` on a run directory, as a user calls them."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest

import export.__main__ as commands
from edge_agent.errors import InputError
from edge_agent.model_format.bundle import read_bundle, write_bundle
from edge_agent.model_format.golden_check import check_golden, golden_faces
from edge_agent.model_format.metadata import EARLIER
from edge_agent.vision.classifier import BUNDLED_MODEL, Classifier
from tests.support.exported import CLASSES, keras_model, write_fer2013
from tests.support.tflite_models import dense_model, metadata
from train.data import load
from train.fit.provenance import Provenance
from train.fit.recipe import Phase, Recipe
from train.fit.run_dir import RunDir
from train.fit.run_record import RunRecord, utc_now

Call = Callable[..., int]

pytestmark = pytest.mark.timeout(300)  # the first test imports TensorFlow


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_fer2013(tmp_path_factory.mktemp("data") / "fer2013.csv", train=120, public=80)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Path:
    path = tmp_path_factory.mktemp("runs") / "tiny"
    RunDir(path).create(record(load(data).fingerprint()))
    keras_model().save(path / "model.keras")
    return path


def record(fingerprint: str) -> RunRecord:
    recipe = Recipe(
        title="Tiny",
        source="",
        command="",
        cost="",
        expected="",
        model="testing",
        phases=(Phase(epochs=1),),
        protocol="fer2013-official",
        seed=4,
    )
    return RunRecord(
        recipe=recipe,
        data="FER2013",
        fingerprint=fingerprint,
        protocol="fer2013-official",
        protocol_note="",
        classes=CLASSES,
        images={"train": 120, "validation": 80, "test": 0},
        parameters=keras_model().count_params(),
        macs=1000,
        git_revision="0123456789ab",
        versions={},
        started_at=utc_now(),
        finished_at=utc_now(),
    )


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch) -> Call:
    """Runs a command line and gives its exit code."""

    def run_it(*words: object) -> int:
        monkeypatch.setattr("sys.argv", ["export", *map(str, words)])
        with pytest.raises(SystemExit) as left:
            commands.main()
        return int(left.value.code or 0)

    return run_it


def test_a_run_becomes_a_bundle_that_passes_verification(
    run: Path, data: Path, tmp_path: Path, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "tiny.tflite"
    assert call("convert", run, "--out", out, "--data", data, "--quantization", "float16", "--licence", "MIT") == 0
    assert "temperature" in capsys.readouterr().out

    assert call("verify", run, out, "--data", data) == 0

    said = capsys.readouterr().out
    assert "80 held out from training" in said
    assert "lost" in said


def test_plots_that_need_only_the_measurements_are_drawn_again_with_the_card(tmp_path: Path, call: Call) -> None:
    recorded = Path(__file__).parents[2] / "docs" / "measured" / "expression.json"
    measured = tmp_path / "expression.json"
    measured.write_bytes(recorded.read_bytes())

    assert call("card", BUNDLED_MODEL, "--measured", measured, "--plots", "--out", tmp_path / "card.md") == 0

    drawn = {path.name for path in tmp_path.glob("*.png")}
    assert drawn == {"expression-coverage.png", "expression-robustness.png"}


def test_the_bundle_states_its_whole_origin(run: Path, data: Path, tmp_path: Path, call: Call) -> None:
    call("convert", run, "--out", tmp_path / "tiny.tflite", "--data", data, "--note", "for a test")

    facts = read_bundle(tmp_path / "tiny.tflite").metadata

    assert (facts.name, facts.architecture, facts.quantization, facts.note) == ("tiny", "testing", "int8", "for a test")
    assert facts.labels == CLASSES
    assert (facts.training.run, facts.training.seed, facts.training.git_revision) == ("tiny", 4, "0123456789ab")
    assert facts.temperature_fitted_on == "validation"
    assert facts.temperature != 1.0
    assert [(used.use, used.images) for used in facts.data] == [
        ("training", {"train": 120, "validation": 80, "test": 0}),
        ("ranges and temperature", {"calibration": 122, "validation": 80}),
    ]
    assert 0.5 < facts.metrics["validation"]["accuracy"] < 0.9
    assert 0 < facts.metrics["validation"]["calibration_error_by_chance"] < 0.3
    assert 0 < facts.metrics["validation"]["calibration_error_cross_fitted"] < 0.3


def test_the_bundle_has_golden_faces_that_its_own_answers_agree_with(
    run: Path, data: Path, tmp_path: Path, call: Call
) -> None:
    call("convert", run, "--out", tmp_path / "tiny.tflite", "--data", data)

    bundle = read_bundle(tmp_path / "tiny.tflite")

    assert bundle.golden is not None
    assert bundle.output_step is not None
    assert (
        check_golden(bundle.golden, Classifier(bundle).logits(golden_faces(bundle.golden)), bundle.output_step) < 0.01
    )


def test_a_bundle_made_when_bundles_stated_less_is_described_again(
    run: Path, data: Path, tmp_path: Path, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    old, again = tmp_path / "old.tflite", tmp_path / "again.tflite"
    call("convert", run, "--out", old, "--data", data)
    before = read_bundle(old)
    richer = msgspec.structs.replace(
        RunDir(run).record(), extra_annotation="FER+ votes", earlier=Provenance(data={"1" * 64: "first"})
    )
    RunDir(tmp_path / "record").create(richer)
    capsys.readouterr()

    assert call("describe", old, "--run", tmp_path / "record", "--out", again) == 0

    after = read_bundle(again)
    assert (after.flatbuffer, after.golden) == (before.flatbuffer, before.golden)
    assert after.metadata.metrics == before.metadata.metrics
    assert after.metadata.training.extra_annotation == "FER+ votes"
    assert [used.use for used in after.metadata.data] == ["training", EARLIER, "ranges and temperature"]
    assert f"the same network as {before.model_id}" in capsys.readouterr().out


def test_a_bundle_is_not_described_by_another_run(
    run: Path, data: Path, tmp_path: Path, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    call("convert", run, "--out", tmp_path / "tiny.tflite", "--data", data)
    record = RunDir(run).record()
    other = msgspec.structs.replace(record, recipe=msgspec.structs.replace(record.recipe, seed=9))
    RunDir(tmp_path / "other").create(other)

    code = call("describe", tmp_path / "tiny.tflite", "--run", tmp_path / "other", "--out", tmp_path / "again.tflite")

    assert code == InputError.exit_code
    assert "expected that of tiny" in capsys.readouterr().err
    assert not (tmp_path / "again.tflite").exists()


def test_a_card_that_cannot_be_written_is_reported(
    tmp_path: Path, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert call("card", BUNDLED_MODEL, "--out", tmp_path / "file" / "card.md") == InputError.exit_code
    assert "expected a file that can be written" in capsys.readouterr().err


def test_a_bundle_that_cannot_be_written_is_reported_before_it_is_made(
    run: Path, tmp_path: Path, call: Call, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("export.pipeline.export_run", None)
    monkeypatch.setattr("export.golden.record_golden", None)
    monkeypatch.setattr("export.bundle_metadata.describe_again", None)
    for words in (["convert", run], ["golden", BUNDLED_MODEL], ["describe", BUNDLED_MODEL, "--run", run]):
        assert call(*words, "--out", tmp_path) == InputError.exit_code
        assert "got a folder, expected a file that can be written" in capsys.readouterr().err


def test_a_bundle_to_compare_with_that_is_not_there_is_reported_before_the_data_are_read(
    run: Path, tmp_path: Path, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    convert = ["convert", str(run), "--out", str(tmp_path / "own.tflite"), "--data", str(tmp_path / "none")]
    assert call(*convert, "--present", str(tmp_path / "in_use.tflite")) == 5
    assert "in_use.tflite: no such file" in capsys.readouterr().err


@pytest.mark.parametrize("limit", ["--max-accuracy-drop", "--min-agreement", "--max-calibration-error"])
def test_a_limit_that_is_no_number_is_refused(
    limit: str, run: Path, data: Path, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("verify", run, BUNDLED_MODEL, "--data", data, limit, "nan") == 2
    assert f"Invalid value for '{limit}'" in capsys.readouterr().err


def test_golden_faces_are_added_to_a_bundle_made_without(
    tmp_path: Path, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    old = write_bundle(tmp_path / "old.tflite", dense_model(), metadata())

    assert call("golden", tmp_path / "old.tflite", "--out", tmp_path / "new.tflite") == 0

    new = read_bundle(tmp_path / "new.tflite")
    assert (new.flatbuffer, new.metadata) == (old.flatbuffer, old.metadata)
    assert new.golden is not None
    assert f"is {new.model_id} (" in capsys.readouterr().out


def test_verification_speaks_json(
    run: Path, data: Path, tmp_path: Path, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    call("convert", run, "--out", tmp_path / "tiny.tflite", "--quantization", "float32")
    capsys.readouterr()

    assert call("verify", run, tmp_path / "tiny.tflite", "--data", data, "--json") == 0

    scores = json.loads(capsys.readouterr().out)
    assert scores["faces"] == 80
    assert scores["keras_accuracy"] == scores["device_accuracy"] == pytest.approx(0.8)
    assert scores["agreement"] == 1.0
    assert scores["largest_probability_difference"] < 1e-3
    assert scores["size_bytes"] == (tmp_path / "tiny.tflite").stat().st_size
    assert set(scores["latency_ms_per_face"]) == {"batch_1", "batch_8"}
    assert scores["allowed"] == {"accuracy_drop_points": 0.5, "agreement": 0.97}


def test_an_export_that_lost_too_much_fails(
    run: Path, data: Path, tmp_path: Path, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    call("convert", run, "--out", tmp_path / "tiny.tflite", "--data", data)

    assert call("verify", run, tmp_path / "tiny.tflite", "--data", data, "--min-agreement", "100") == 1

    said = capsys.readouterr()
    assert "required 100 %" in said.err
    assert "Traceback" not in said.err


def test_an_export_may_be_held_to_a_calibration_error(
    run: Path, data: Path, tmp_path: Path, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    call("convert", run, "--out", tmp_path / "tiny.tflite", "--data", data, "--quantization", "float32")

    assert call("verify", run, tmp_path / "tiny.tflite", "--data", data, "--max-calibration-error", "0.01") == 1
    assert "expected 0.01 % at most" in capsys.readouterr().err
    assert call("verify", run, tmp_path / "tiny.tflite", "--data", data, "--max-calibration-error", "60") == 0


def test_without_data_the_temperature_stays_one_and_that_is_said(
    run: Path, tmp_path: Path, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("convert", run, "--out", tmp_path / "tiny.tflite", "--quantization", "float32") == 0

    assert read_bundle(tmp_path / "tiny.tflite").metadata.temperature == 1.0
    assert "no --data" in capsys.readouterr().out


def test_the_build_clock_can_be_set_for_equal_bytes(
    run: Path, tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1767225600")
    for name in ("one", "two"):
        call("convert", run, "--out", tmp_path / name, "--quantization", "float32")

    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert read_bundle(tmp_path / "one").metadata.created_at == "2026-01-01T00:00:00+00:00"


def test_the_next_command_is_said_with_the_label_map_that_was_given(
    run: Path, data: Path, tmp_path: Path, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "tiny.tflite"
    words = ["--data", data, "--label-map", "fer2013", "--quantization", "float32"]
    assert call("convert", run, "--out", out, *words) == 0
    said = capsys.readouterr().out
    assert f"Next: python -m export verify {run} {out} --data {data} --label-map fer2013\n" in said


def test_other_data_than_the_run_was_trained_on_are_warned_of(
    run: Path, tmp_path: Path, call: Call, caplog: pytest.LogCaptureFixture
) -> None:
    other = write_fer2013(tmp_path / "fer2013.csv", train=100, public=80)

    with caplog.at_level(logging.WARNING):
        code = call("convert", run, "--out", tmp_path / "tiny.tflite", "--data", other, "--quantization", "float32")

    assert code == 0
    assert "not the very data the run was trained on" in caplog.text


def test_data_of_other_classes_are_refused(
    run: Path, tmp_path: Path, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    for split in ("train", "test"):
        for label in ("cat", "dog"):
            (tmp_path / "pets" / split / label).mkdir(parents=True)
            assert cv2.imwrite(str(tmp_path / "pets" / split / label / "1.png"), np.zeros((48, 48), np.uint8))

    assert call("convert", run, "--out", tmp_path / "x.tflite", "--data", tmp_path / "pets") == 3
    assert "got cat, dog, expected angry, disgust" in capsys.readouterr().err


def test_int8_without_data_is_refused(
    run: Path, tmp_path: Path, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("convert", run, "--out", tmp_path / "tiny.tflite") == 3

    assert "no faces to calibrate with" in capsys.readouterr().err
    assert not (tmp_path / "tiny.tflite").exists()


def test_an_unfinished_run_is_refused(tmp_path: Path, call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    RunDir(tmp_path / "run").create(record("f" * 64))

    assert call("convert", tmp_path / "run", "--out", tmp_path / "tiny.tflite") == 3
    assert "got an unfinished run, expected one with model.keras" in capsys.readouterr().err


def test_a_broken_network_file_is_refused(tmp_path: Path, call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    RunDir(tmp_path / "run").create(record("f" * 64))
    (tmp_path / "run" / "model.keras").write_bytes(b"PK\x03\x04 cut short")

    assert call("convert", tmp_path / "run", "--out", tmp_path / "tiny.tflite") == 3
    assert "not a Keras model" in capsys.readouterr().err


def test_a_model_of_another_run_is_refused(
    run: Path, data: Path, tmp_path: Path, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    write_bundle(tmp_path / "other.tflite", dense_model(), metadata(labels=tuple("abcdefg")))

    assert call("verify", run, tmp_path / "other.tflite", "--data", data) == 3
    assert "labels: got a, b, c, d, e, f, g from 1 channels, expected angry" in capsys.readouterr().err


def test_a_model_for_gray_is_not_verified_against_a_run_in_colour(
    run: Path, data: Path, tmp_path: Path, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    write_bundle(tmp_path / "gray.tflite", dense_model(), metadata())
    record = RunDir(run).record()
    colour = RunDir(tmp_path / "colour")
    colour.create(msgspec.structs.replace(record, recipe=msgspec.structs.replace(record.recipe, channels=3)))
    shutil.copy(RunDir(run).model_path, colour.model_path)

    assert call("verify", colour.path, tmp_path / "gray.tflite", "--data", data) == 3
    assert "from 1 channels, expected angry, disgust" in capsys.readouterr().err
