"""Several trainings averaged into one network: what comes out, and which runs cannot be averaged."""

from __future__ import annotations

import shutil
from pathlib import Path

import keras
import msgspec
import numpy as np
import pytest

import train.__main__ as commands
from edge_agent.errors import InputError
from edge_agent.model_format.bundle import read_bundle, write_bundle
from edge_agent.model_format.metadata import TrainingInfo
from export.pipeline import export_run
from tests.train.data.files import write_face
from tests.train.faces import bright_halves, two_to_one
from tests.train.fit.test_trainer import RECIPE
from train.common.writing import NotWritten
from train.data import load
from train.data.dataset import FaceSet
from train.data.splits import make_split
from train.fit.average import average
from train.fit.finishing import note_on_choice
from train.fit.initial_weights import initial_weights_of_run, open_initial_weights
from train.fit.inputs import TrainingInputs
from train.fit.recipe import Phase
from train.fit.run_dir import RunDir
from train.fit.saved import load_model
from train.fit.trainer import fit
from train.fit.weights_from_tflite import model_from_tflite
from train.measure.score import score_run
from train.models.batch_statistics import predict_with_batch_statistics
from train.models.inference import predict_logits

SHORT = msgspec.structs.replace(RECIPE, phases=(Phase(epochs=3),))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two thirds in train/, one third in validation/, by class."""
    folder, made = tmp_path_factory.mktemp("data"), bright_halves()
    for index, (face, label) in enumerate(zip(made.images, made.labels, strict=True)):
        part = "train" if index < 64 else "validation"
        write_face(folder / part / made.classes[label] / f"{index}.png", face)
    return folder


@pytest.fixture(scope="module")
def faces(data: Path) -> FaceSet:
    return load(data)


@pytest.fixture(scope="module")
def runs(faces: FaceSet, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two trainings that went on from a third."""
    folder, split = tmp_path_factory.mktemp("runs"), make_split(faces, "")
    fit(TrainingInputs(SHORT, faces, split), RunDir(folder / "first"))
    for seed in (2, 3):
        recipe = msgspec.structs.replace(SHORT, seed=seed, phases=(Phase(epochs=2),))
        start = initial_weights_of_run(RunDir(folder / "first"))
        fit(TrainingInputs(recipe, faces, split, initial_weights=start), RunDir(folder / f"seed{seed}"))
    return [folder / "seed2", folder / "seed3"]


def kernels(model: keras.Model) -> list[np.ndarray]:
    return [keras.ops.convert_to_numpy(variable) for variable in model.trainable_variables]


def test_the_kernels_are_the_mean(runs: list[Path], faces: FaceSet, tmp_path: Path) -> None:
    mean = average(runs, faces, RunDir(tmp_path / "mean")).model
    both = [kernels(load_model(RunDir(run))) for run in runs]
    for found, one, other in zip(kernels(mean), *both, strict=True):
        np.testing.assert_allclose(found, (one + other) / 2, atol=1e-6)


def test_a_run_named_twice_counts_twice(runs: list[Path], faces: FaceSet, tmp_path: Path) -> None:
    mean = average([runs[0], runs[1], runs[1]], faces, RunDir(tmp_path / "mean")).model
    one, other = (kernels(load_model(RunDir(run)))[0] for run in runs)
    np.testing.assert_allclose(kernels(mean)[0], one / 3 + 2 * other / 3, atol=1e-6)


def test_what_comes_out_is_a_run_like_any_other(runs: list[Path], faces: FaceSet, tmp_path: Path) -> None:
    out = RunDir(tmp_path / "mean")
    average(runs, faces, out)
    record = out.record()
    assert record.finished_at
    assert record.started_from.startswith("mean of seed2, model.keras sha256 ")
    assert record.classes == faces.classes


def test_its_run_can_be_evaluated(runs: list[Path], data: Path, faces: FaceSet, tmp_path: Path) -> None:
    average(runs, faces, RunDir(tmp_path / "mean"))
    evaluation, _ = score_run(tmp_path / "mean", data, "validation")
    assert evaluation.accuracy >= 0.9
    assert (tmp_path / "mean/evaluation/validation.json").is_file()
    (tmp_path / "mean/evaluation/validation.json").unlink()
    (tmp_path / "mean/evaluation/validation.json").mkdir()
    with pytest.raises(NotWritten, match=r"validation\.json: got "):
        score_run(tmp_path / "mean", data, "validation")


def test_running_statistics_are_those_of_the_mean_network(runs: list[Path], faces: FaceSet, tmp_path: Path) -> None:
    mean = average(runs, faces, RunDir(tmp_path / "mean")).model
    training = faces.images[make_split(faces, "").train]
    by_running = predict_logits(mean, training)
    np.testing.assert_allclose(by_running, predict_with_batch_statistics(mean, training, len(training)), atol=0.05)


def test_predicting_with_batch_statistics_leaves_dropout_as_it_was() -> None:
    model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Dropout(0.5), keras.layers.Flatten()])
    images = np.full((8, 4, 4, 1), 7, np.uint8)
    assert (predict_with_batch_statistics(model, images, 4) == 7).all(), "nothing is dropped"
    assert model.layers[0].rate == 0.5


@pytest.fixture(scope="module")
def began_with(runs: list[Path], data: Path) -> Path:
    """The bundle that a further training began with, beside that training: ``from-bundle``."""
    folder = runs[0].parent
    bundle = folder / "first.tflite"
    export_run(folder / "first", bundle, "float32", data)
    faces = load(data)
    start = open_initial_weights(bundle, faces.images[make_split(faces, "").train])
    fit(TrainingInputs(SHORT, faces, make_split(faces, ""), initial_weights=start), RunDir(folder / "from-bundle"))
    return bundle


def test_a_training_is_averaged_with_the_bundle_it_began_with(began_with: Path, faces: FaceSet, tmp_path: Path) -> None:
    out = RunDir(tmp_path / "mean")
    mean = average([began_with.parent / "from-bundle", began_with], faces, out).model
    training = faces.images[make_split(faces, "").train]
    both = model_from_tflite(read_bundle(began_with), training), load_model(RunDir(began_with.parent / "from-bundle"))
    for found, one, other in zip(kernels(mean), *map(kernels, both), strict=True):
        np.testing.assert_allclose(found, (one + other) / 2, atol=1e-6)
    assert "; first.tflite, bundle " in out.record().started_from


def test_the_provenance_of_an_averaged_bundle_is_recorded(began_with: Path, faces: FaceSet, tmp_path: Path) -> None:
    training = TrainingInfo(extra_annotation="votes", teachers=("wise, 0",), earlier_teachers=("wiser, 1",))
    bundle = read_bundle(began_with)
    facts = msgspec.structs.replace(bundle.metadata, training=training)
    write_bundle(tmp_path / "described.tflite", bundle.flatbuffer, facts)
    out = RunDir(tmp_path / "mean")
    average([began_with.parent / "from-bundle", tmp_path / "described.tflite"], faces, out)
    record = out.record()
    assert (record.extra_annotation, record.teachers) == ("votes", ("wise, 0",))
    assert "wiser, 1" in record.earlier.teachers


def changed(run: Path, to: Path, **changes: object) -> Path:
    """The same network in a run whose record says something else."""
    shutil.copytree(run, to)
    RunDir(to).write_record(msgspec.structs.replace(RunDir(to).record(), **changes))
    return to


def test_a_mean_tells_that_validation_chose_a_members_weights(runs: list[Path], faces: FaceSet, tmp_path: Path) -> None:
    early = changed(runs[0], tmp_path / "early", kept_epoch=1, protocol_note=note_on_choice("epoch 1"))
    for members in ([early, runs[1]], [runs[1], early]):
        out = RunDir(tmp_path / f"mean of {members[0].name}")
        average(members, faces, out)
        record = out.record()
        assert record.kept_epoch == 0
        assert record.protocol_note.endswith(
            "The validation part chose the weights of early, so its figures flatter a little."
        )
    average([out.path, runs[0]], faces, RunDir(tmp_path / "mean of a mean"))
    assert "chose the weights of mean of" in RunDir(tmp_path / "mean of a mean").record().protocol_note


def test_the_prior_of_a_mean_is_the_geometric_mean_of_its_members(
    runs: list[Path], faces: FaceSet, tmp_path: Path
) -> None:
    first, second = faces.classes
    even = changed(runs[0], tmp_path / "even", prior={first: 0.5, second: 0.5})
    uneven = changed(runs[1], tmp_path / "uneven", prior={first: 0.2, second: 0.8})
    for number, members in enumerate(([even, uneven, uneven], [uneven, even, uneven])):
        out = RunDir(tmp_path / f"mean{number}")
        average(members, faces, out)
        odds = (0.8 / 0.2) ** (2 / 3)
        assert out.record().prior == pytest.approx({first: 1 / (1 + odds), second: odds / (1 + odds)}, abs=1e-6)
    unknown = changed(runs[1], tmp_path / "unknown", prior={})
    average([even, unknown], faces, RunDir(tmp_path / "mean of unknown"))
    assert RunDir(tmp_path / "mean of unknown").record().prior == {}
    lacking = changed(runs[1], tmp_path / "lacking", prior={first: 1.0, second: 0.0})
    average([even, lacking], faces, RunDir(tmp_path / "mean of lacking"))
    assert RunDir(tmp_path / "mean of lacking").record().prior == {}, "a share of nothing tells of no share to correct"


def test_a_run_that_is_not_finished_is_refused_before_networks_are_read(
    runs: list[Path], faces: FaceSet, tmp_path: Path
) -> None:
    cut = RunDir(shutil.copytree(runs[1], tmp_path / "cut"))
    cut.model_path.unlink()
    with pytest.raises(InputError, match=r"cut: got an unfinished run, expected one with model\.keras"):
        average([runs[0], cut.path], faces, RunDir(tmp_path / "mean"))
    assert not (tmp_path / "mean").exists()


def test_a_folder_that_is_not_empty_is_refused_before_networks_are_read(
    runs: list[Path], faces: FaceSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load_none(run: RunDir) -> keras.Model:
        raise AssertionError(run)

    monkeypatch.setattr("train.fit.average.load_model", load_none)
    (tmp_path / "notes.txt").touch()
    with pytest.raises(InputError, match="a folder that is not empty"):
        average(runs, faces, RunDir(tmp_path))


def test_networks_without_common_initial_weights_are_warned_of(
    runs: list[Path], faces: FaceSet, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mirrored = load_model(RunDir(runs[0]))
    for layer in mirrored.layers:
        if isinstance(layer, keras.layers.BatchNormalization):  # two signs that cancel: the same function
            normalised = layer.input._keras_history.operation
            normalised.set_weights([-values for values in normalised.get_weights()])
            scale, offset, mean, variance = layer.get_weights()
            layer.set_weights([-scale, offset, -mean, variance])
    other = RunDir(tmp_path / "other")
    other.create(RunDir(runs[0]).record())
    other.save_model(mirrored.save)
    found = average([other.path, runs[0]], faces, RunDir(tmp_path / "mean"))
    (_, other_reads), (_, reads) = found.members
    assert other_reads == reads >= 0.9
    assert found.accuracy < 0.8
    assert "have they a beginning in common?" in caplog.text


def test_bundles_alone_are_refused(began_with: Path, faces: FaceSet, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="got bundles alone, expected a run directory among them"):
        average([began_with, began_with], faces, RunDir(tmp_path / "mean"))


def test_one_run_is_no_mean(runs: list[Path], faces: FaceSet, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="got 1, expected two or more"):
        average(runs[:1], faces, RunDir(tmp_path / "mean"))


def test_runs_of_other_data_are_refused(runs: list[Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="which the runs were trained on"):
        average(runs, bright_halves(seed=1), RunDir(tmp_path / "mean"))


def test_runs_of_another_split_are_refused(runs: list[Path], faces: FaceSet, tmp_path: Path) -> None:
    fit(
        TrainingInputs(msgspec.structs.replace(SHORT, phases=(Phase(epochs=1),)), faces, two_to_one(faces)),
        RunDir(tmp_path / "other"),
    )
    with pytest.raises(InputError, match=r"other: split: got two-to-one, expected .*seed2"):
        average([runs[0], tmp_path / "other"], faces, RunDir(tmp_path / "mean"))


def test_the_command_reports_a_missing_run_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = str(tmp_path / "nowhere")
    monkeypatch.setattr("sys.argv", ["train", "average", nowhere, nowhere, "--data", "fer2013.csv", "--out", "mean"])
    with pytest.raises(SystemExit) as left:
        commands.main()
    assert left.value.code == InputError.exit_code
    assert "no run.json in it" in capsys.readouterr().err
