"""Comparison of runs: the settings that differ, and the statistics of every run."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from edge_agent.errors import InputError
from tests.train.runs import RECIPE, begun_run
from train.__main__ import app
from train.fit.recipe import Optimizer, Phase
from train.measure.compare import compare, short_names, to_markdown


def test_only_settings_that_differ_are_shown(tmp_path: Path) -> None:
    faster = msgspec.structs.replace(RECIPE, title="Other words", optimizer=Optimizer(learning_rate=0.2))
    begun_run(tmp_path / "a", val_accuracies=[0.5])
    begun_run(tmp_path / "b", val_accuracies=[0.5], recipe=faster)
    found = compare([tmp_path / "a", tmp_path / "b"])
    assert found.runs == ("a", "b")
    assert found.differing == {"optimizer.learning_rate": ("0.1", "0.2")}


def test_phases_are_described_in_words(tmp_path: Path) -> None:
    growing = msgspec.structs.replace(RECIPE, phases=(Phase(epochs=2, side_px=32, variation=0.5), Phase(epochs=1)))
    begun_run(tmp_path / "a", val_accuracies=[0.5])
    begun_run(tmp_path / "b", val_accuracies=[0.5], recipe=growing)
    found = compare([tmp_path / "a", tmp_path / "b"]).differing
    assert found == {
        "phases": ("3 epochs at 48 px", "2 epochs at 32 px, varied by 0.5, then 1 epochs at 48 px"),
    }


def test_other_data_is_a_difference(tmp_path: Path) -> None:
    begun_run(tmp_path / "a", val_accuracies=[0.5])
    begun_run(tmp_path / "b", val_accuracies=[0.5], fingerprint="cd" * 32)
    assert list(compare([tmp_path / "a", tmp_path / "b"]).differing) == ["data"]


def test_statistics_are_of_the_last_epoch_and_name_the_best(tmp_path: Path) -> None:
    begun_run(tmp_path / "a", val_accuracies=[0.5, 0.75, 0.625])
    statistics = compare([tmp_path / "a"]).statistics
    assert statistics["validation accuracy"] == ("62.50%",)
    assert statistics["best validation"] == ("75.00% in epoch 2",)
    assert statistics["epochs"] == ("3 of 3",)
    assert statistics["time"] == ("1.5 min",)


def test_statistics_are_of_the_epoch_whose_weights_were_kept(tmp_path: Path) -> None:
    run = begun_run(tmp_path / "a", val_accuracies=[0.5, 0.75, 0.625])
    run.write_record(msgspec.structs.replace(run.record(), kept_epoch=1))
    statistics = compare([tmp_path / "a"]).statistics
    assert statistics["validation accuracy"] == ("50.00%",)
    assert statistics["95 % interval"] == ("35.20% to 64.80%",)
    assert statistics["best validation"] == ("75.00% in epoch 2",)


def test_a_run_without_an_epoch_stands_there_too(tmp_path: Path) -> None:
    begun_run(tmp_path / "a", val_accuracies=[0.5])
    begun_run(tmp_path / "b", val_accuracies=[])
    statistics = compare([tmp_path / "a", tmp_path / "b"]).statistics
    assert statistics["epochs"] == ("1 of 3", "0 of 3")
    assert statistics["validation loss"] == ("1.5000", "-")


def test_a_mean_of_weights_is_called_so(tmp_path: Path) -> None:
    begun_run(tmp_path / "a", val_accuracies=[0.5])
    mean = begun_run(tmp_path / "b", val_accuracies=[])
    mean.write_record(msgspec.structs.replace(mean.record(), finished_at="2026-01-01T00:00:00+00:00"))
    found = compare([tmp_path / "a", tmp_path / "b"])
    assert found.statistics["epochs"] == ("1 of 3", "none, a mean of weights")
    assert found.differing == {"phases": ("3 epochs at 48 px", "none, a mean of weights")}


def test_runs_of_the_same_name_are_distinguished() -> None:
    assert short_names([Path("/runs/one/edge"), Path("/runs/two/edge")]) == ["one/edge", "two/edge"]


def test_equal_runs_are_called_so(tmp_path: Path) -> None:
    begun_run(tmp_path / "a", val_accuracies=[0.5])
    begun_run(tmp_path / "b", val_accuracies=[0.5])
    assert "All settings are the same." in to_markdown(compare([tmp_path / "a", tmp_path / "b"]))


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no run\.json in it"):
        compare([tmp_path])


def test_the_command_prints_json_and_draws_the_curves(tmp_path: Path) -> None:
    begun_run(tmp_path / "a", val_accuracies=[0.5, 0.75])
    begun_run(tmp_path / "b", val_accuracies=[])
    picture = tmp_path / "curves.png"
    result = CliRunner().invoke(
        app, ["compare", str(tmp_path / "a"), str(tmp_path / "b"), "--json", "--out", str(picture)]
    )
    assert json.loads(result.stdout)["figures"]["epochs"] == {"a": "2 of 3", "b": "0 of 3"}
    assert picture.stat().st_size > 1000


def test_a_bundle_in_a_runs_place_is_reported(tmp_path: Path) -> None:
    (tmp_path / "own.tflite").write_bytes(b"TFL3")
    with pytest.raises(InputError, match=r"own\.tflite: got a file, expected a run directory"):
        compare([tmp_path / "own.tflite"])
