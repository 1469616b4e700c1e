"""Measuring a bundle in every way there is, and the card that is written from it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest

import export.__main__ as commands
from edge_agent.config import SmoothingSettings
from edge_agent.errors import InputError
from edge_agent.model_format.bundle import Bundle, read_bundle, write_bundle
from edge_agent.model_format.metadata import DataInfo
from export.card import card_to_markdown
from export.measure import PLOTS, Comparisons, measure_bundle, plot_path
from export.measurements import Measurements, read_measurements, write_measurements
from tests.support.exported import write_fer2013
from tests.support.tflite_models import dense_model, metadata
from tests.train.data.files import write_face, write_table
from tests.train.runs import begun_run

Call = Callable[..., int]
VOTES_HEADER = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle, forty faces with their votes, and two faces of another data set."""
    folder = tmp_path_factory.mktemp("measured")
    write_fer2013(folder / "fer2013.csv", train=5, public=40)
    rows = [f"{'Training' if number < 5 else 'PublicTest'},x,1,{number % 9},0,0,2,0,0,0,0,0" for number in range(45)]
    write_table(folder / "fer2013new.csv", rows, VOTES_HEADER)
    for number, label in enumerate(("anger", "happy")):
        picture = np.full((48, 48), 60 + 90 * number, np.uint8)
        write_face(folder / "ck" / label / f"S00{number}_001_00000001.png", picture)
    used = DataInfo(name="FER2013", sha256="f" * 64, protocol="fer2013-official")
    write_bundle(folder / "dense.tflite", dense_model(), metadata(data=(used,)))
    return folder


@pytest.fixture(scope="module")
def bundle(folder: Path) -> Bundle:
    return read_bundle(folder / "dense.tflite")


@pytest.fixture(scope="module")
def measured(folder: Path) -> Measurements:
    return measure_bundle(
        folder / "dense.tflite",
        folder / "fer2013.csv",
        Comparisons(votes=folder / "fer2013new.csv", unseen=folder / "ck", beside=(folder / "dense.tflite",)),
        plots=folder / "plots" / "dense",
    )


def test_everything_is_measured_on_held_out_faces(measured: Measurements, bundle: Bundle) -> None:
    assert (measured.model, measured.data, measured.images) == (bundle.model_id, "FER2013", 40)
    assert measured.votes is not None
    assert measured.votes.images + sum(measured.votes.left_out.values()) == 40
    assert measured.cross_dataset is not None
    assert measured.cross_dataset.images == 2
    assert [one.faces for one in measured.robustness] == [40, 40]


def test_the_agents_own_floor_is_on_the_curve(measured: Measurements) -> None:
    floor = SmoothingSettings().uncertain_below
    assert measured.at_floor(floor).floor == floor
    assert measured.abstention[0].coverage == 1.0


@pytest.mark.usefixtures("measured")
def test_every_plot_is_drawn(folder: Path) -> None:
    assert all(plot_path(folder / "plots" / "dense", plot).stat().st_size > 5000 for plot in PLOTS)


def test_measurements_survive_their_file(measured: Measurements, tmp_path: Path) -> None:
    write_measurements(measured, tmp_path / "dense.json")
    read = read_measurements(tmp_path / "dense.json")

    assert read.model == measured.model
    assert read.calibration.error == pytest.approx(measured.calibration.error, abs=1e-6)
    assert read.robustness[0].mean_loss == pytest.approx(measured.robustness[0].mean_loss, abs=1e-6)


def test_a_card_shows_all_that_was_measured(measured: Measurements, bundle: Bundle) -> None:
    card = card_to_markdown(bundle, measured, "measured/dense")

    for section in ("Calibration", "Coverage", "Robustness", "Against ten annotators", "On another data set: CK+48"):
        assert f"\n### {section}\n" in card
    assert "uncertain_below" in card
    assert "![Robustness](measured/dense-robustness.png)" in card


def test_a_card_states_the_degradations_in_training(measured: Measurements, bundle: Bundle) -> None:
    practised = msgspec.structs.replace(measured, training_degradations=("darkened", "blurred"))
    assert (
        "Its training showed the model such pictures too, made by other code: darkened, blurred."
        in card_to_markdown(bundle, practised)
    )
    assert "such pictures too" not in card_to_markdown(bundle, measured)


def test_the_run_of_another_model_is_refused_before_anything_is_measured(folder: Path, tmp_path: Path) -> None:
    other, reported = begun_run(tmp_path / "run", val_accuracies=[0.5]), list[str]()
    with pytest.raises(InputError, match="Name the run this model was exported from"):
        measure_bundle(
            folder / "dense.tflite", folder / "fer2013.csv", Comparisons(run=other.path), on_step=reported.append
        )
    assert not reported


def test_a_folder_in_place_of_the_measurements_file_is_refused_before_anything_is_measured(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["export", "measure", folder / "dense.tflite", "--data", folder / "fer2013.csv", "--out", tmp_path]
    monkeypatch.setattr("sys.argv", [*map(str, words)])
    with pytest.raises(SystemExit) as left:
        commands.main()
    reported = capsys.readouterr().err
    assert left.value.code == InputError.exit_code
    assert f"{tmp_path}: got a folder, expected a file that can be written" in reported
    assert "calibration" not in reported


def test_what_was_not_measured_is_left_out(measured: Measurements, bundle: Bundle) -> None:
    less = msgspec.structs.replace(measured, votes=None, cross_dataset=None)
    card = card_to_markdown(bundle, less)
    assert "### Against ten annotators" not in card
    assert "### On another data set" not in card
    assert "![" not in card


def test_measurements_of_another_model_make_no_card(measured: Measurements, bundle: Bundle) -> None:
    other = msgspec.structs.replace(measured, model="ffffffffffff")
    with pytest.raises(InputError, match=f"those of model ffffffffffff, expected {bundle.model_id}"):
        card_to_markdown(bundle, other)


@pytest.mark.parametrize("content", ["", "{}", '{"model": 7}'])
def test_a_broken_file_of_measurements_is_reported(tmp_path: Path, content: str) -> None:
    (tmp_path / "figures.json").write_text(content)
    with pytest.raises(InputError, match=r"figures\.json.*Make it again"):
        read_measurements(tmp_path / "figures.json")


def test_one_command_measures_and_writes_the_card(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model, data, out, card = (
        folder / "dense.tflite",
        folder / "fer2013.csv",
        tmp_path / "m" / "x.json",
        tmp_path / "c.md",
    )
    words = ["export", "measure", model, "--data", data, "--out", out, "--card", card]
    monkeypatch.setattr("sys.argv", [*map(str, words)])
    with pytest.raises(SystemExit) as left:
        commands.main()

    assert not left.value.code
    assert "calibration and coverage" in capsys.readouterr().err
    assert "![Coverage](m/x-coverage.png)" in card.read_text()
    assert (tmp_path / "m" / "x-coverage.png").is_file()


def test_a_data_set_with_numbered_classes_is_read_with_its_own_label_map(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in ("4", "7"):
        write_face(tmp_path / "raf" / number / "a.png", np.full((48, 48), 90, np.uint8))
    words = ["export", "measure", folder / "dense.tflite", "--data", folder / "fer2013.csv", "--unseen"]
    words += [tmp_path / "raf", "--out", tmp_path / "measured.json"]
    for further, code in (((), InputError.exit_code), (("--unseen-label-map", "rafdb"), 0)):
        monkeypatch.setattr("sys.argv", [*map(str, words), *further])
        with pytest.raises(SystemExit) as left:
            commands.main()
        assert int(left.value.code or 0) == code
        assert ("or --unseen-label-map with the table" in capsys.readouterr().err) == bool(code)
    found = read_measurements(tmp_path / "measured.json").cross_dataset
    assert found is not None
    assert found.support == {"happy": 1, "neutral": 1}
