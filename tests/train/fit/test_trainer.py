"""A whole training, tiny and real: it learns, leaves a record, continues after an interruption, stops when astray."""

from __future__ import annotations

import dataclasses
import math
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Literal

import keras
import msgspec
import numpy as np
import pytest

from edge_agent.errors import InputError
from tests.train.data.files import write_face
from tests.train.faces import bright_halves, two_to_one
from train.common.writing import NotWritten, writing
from train.fit.augment import Augmentation
from train.fit.initial_weights import initial_weights_of_run
from train.fit.inputs import TrainingInputs, prepare_inputs
from train.fit.recipe import ExtraUse, Optimizer, Phase, Recipe
from train.fit.resuming import RunMismatch
from train.fit.run_dir import RunDamaged, RunDir
from train.fit.run_record import EpochMetrics
from train.fit.saved import load_model
from train.fit.trainer import TrainingDiverged, fit
from train.measure.score import score_run

RECIPE = Recipe(
    title="A test",
    source="",
    command="",
    cost="",
    expected="",
    model="testing",
    phases=(Phase(epochs=2, side_px=32), Phase(epochs=6)),
    batch_size=16,
    optimizer=Optimizer(learning_rate=0.05, warmup_epochs=1, weight_decay=0.005),
    augmentation=Augmentation(shift_px=2, brightness=0.1),
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    run = RunDir(tmp_path_factory.mktemp("runs") / "whole")
    faces = bright_halves()
    fit(TrainingInputs(RECIPE, faces, two_to_one(faces)), run)
    return run


def test_it_learns(finished: RunDir) -> None:
    assert finished.metrics()[-1].val_accuracy >= 0.9


def test_the_record_tells_what_was_run_on_what(finished: RunDir) -> None:
    record = finished.record()
    assert record.recipe == RECIPE
    assert record.fingerprint == bright_halves().fingerprint()
    assert (record.classes, record.images["train"]) == (("left", "right"), 64)
    assert record.finished_at >= record.started_at


def test_the_epochs_are_there_for_tensorboard(finished: RunDir) -> None:
    files = {file.parent.name: file.stat().st_size for file in (finished.path / "tensorboard").rglob("events.*")}
    assert files.keys() == {"training", "validation"}
    assert all(size > 50 * RECIPE.epochs for size in files.values())


def test_the_finished_network_takes_faces_of_the_devices_size(finished: RunDir) -> None:
    model = keras.models.load_model(finished.model_path, compile=False)
    assert model.input_shape == (None, 48, 48, 1)


def _train_in_a_process_of_its_own(folder: Path, *, cut_after: int = 0) -> None:
    """Train or continue in ``folder`` as a command does; the process dies after ``cut_after`` epochs, if any."""
    script = f"""
import os
from pathlib import Path
from tests.train.faces import bright_halves, two_to_one
from tests.train.fit.test_trainer import RECIPE
from train.fit.run_dir import RunDir
from train.fit.inputs import TrainingInputs, prepare_inputs
from train.fit.trainer import fit
def die(metrics):
    if metrics.epoch + 1 == {cut_after}:
        os._exit(9)
faces = bright_halves()
fit(TrainingInputs(RECIPE, faces, two_to_one(faces)), RunDir(Path({str(folder)!r})), resume=True, on_epoch=die)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == (9 if cut_after else 0), done.stderr[-3000:]


@pytest.mark.timeout(900)  # three processes, each of which traces its training step
def test_an_interrupted_run_continues_to_the_same_result_but_for_rounding(tmp_path: Path) -> None:
    whole, cut = RunDir(tmp_path / "whole"), RunDir(tmp_path / "cut")
    _train_in_a_process_of_its_own(whole.path)
    _train_in_a_process_of_its_own(cut.path, cut_after=3)
    _train_in_a_process_of_its_own(cut.path)
    assert len(cut.metrics()) == RECIPE.epochs
    losses = [[row.val_loss for row in run.metrics()] for run in (whole, cut)]
    assert losses[1] == pytest.approx(losses[0], rel=0.05)


def test_a_finished_run_resumed_changes_nothing(finished: RunDir) -> None:
    before = finished.record(), finished.metrics(), finished.fingerprint(), finished.model_path.stat().st_mtime_ns
    faces = bright_halves()
    model = fit(TrainingInputs(RECIPE, faces, two_to_one(faces)), finished, resume=True)
    after = finished.record(), finished.metrics(), finished.fingerprint(), finished.model_path.stat().st_mtime_ns
    assert after == before
    for found, saved in zip(model.get_weights(), load_model(finished).get_weights(), strict=True):
        np.testing.assert_array_equal(found, saved)


def test_a_finished_run_whose_network_is_gone_is_not_trained_again(finished: RunDir, tmp_path: Path) -> None:
    kept = RunDir(tmp_path / "kept")  # a record alone, as documents keep it
    kept.create(finished.record())
    faces = bright_halves()
    with pytest.raises(InputError, match=r"a finished run without model\.keras and state\.npz"):
        fit(TrainingInputs(RECIPE, faces, two_to_one(faces)), kept, resume=True)


def test_a_run_does_not_continue_on_other_data(finished: RunDir) -> None:
    faces = bright_halves(seed=9)
    with pytest.raises(RunMismatch, match=r"data, sha256: got .*, which it was begun with"):
        fit(TrainingInputs(RECIPE, faces, two_to_one(faces)), finished, resume=True)


def test_a_run_does_not_continue_with_another_recipe(finished: RunDir) -> None:
    faces = bright_halves()
    other = msgspec.structs.replace(RECIPE, seed=2)
    with pytest.raises(RunMismatch, match="recipe, seed: got 2, expected 1, which it was begun with"):
        fit(TrainingInputs(other, faces, two_to_one(faces)), finished, resume=True)
    longer = msgspec.structs.replace(RECIPE, phases=(*RECIPE.phases[:-1], Phase(epochs=99, side_px=32)))
    with pytest.raises(RunMismatch, match=r"recipe, phases: got .*epochs = 99, side_px = 32, variation = 1\.0, taught"):
        fit(TrainingInputs(longer, faces, two_to_one(faces)), finished, resume=True)


def test_a_folder_with_something_in_it_is_not_overwritten(finished: RunDir) -> None:
    faces = bright_halves()
    with pytest.raises(InputError, match="a folder that is not empty"):
        fit(TrainingInputs(RECIPE, faces, two_to_one(faces)), finished)


def test_a_run_is_not_made_where_a_file_is(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("")
    faces = bright_halves()
    with pytest.raises(InputError, match="run: got a file, expected a new run directory"):
        fit(TrainingInputs(RECIPE, faces, two_to_one(faces)), RunDir(tmp_path / "run"))


@pytest.mark.parametrize("left", [0, 100, 4000])
def test_a_state_cut_off_by_a_power_cut_is_reported_with_its_remedy(
    finished: RunDir, tmp_path: Path, left: int
) -> None:
    run = RunDir(shutil.copytree(finished.path, tmp_path / "run"))
    state = run.path / "state.npz"
    state.write_bytes(state.read_bytes()[:left])
    with pytest.raises(RunDamaged, match=r"state\.npz: no state of a training: .*delete the run's folder"):
        run.load_state()


def test_a_network_that_is_cut_off_is_reported_with_its_remedy(finished: RunDir, tmp_path: Path) -> None:
    run = RunDir(shutil.copytree(finished.path, tmp_path / "run"))
    run.model_path.write_bytes(run.model_path.read_bytes()[:1000])
    with pytest.raises(RunDamaged, match=r"model\.keras: not a Keras model: .*Restore the file or train again"):
        load_model(run)


def test_a_run_is_not_scored_on_data_of_other_classes(finished: RunDir, tmp_path: Path) -> None:
    for name in ("calm", "smiling"):
        for number in range(4):
            write_face(tmp_path / name / f"{number}.png", np.full((48, 48), 9 * number, np.uint8))
    with pytest.raises(InputError, match="classes: got calm, smiling, expected left, right"):
        score_run(finished.path, tmp_path, "validation")


def test_a_run_may_begin_with_the_weights_of_another(finished: RunDir, tmp_path: Path) -> None:
    faces = bright_halves()
    still = msgspec.structs.replace(
        RECIPE, phases=(Phase(epochs=1),), optimizer=Optimizer(learning_rate=1e-9, schedule="constant")
    )
    run = RunDir(tmp_path / "more")
    fit(TrainingInputs(still, faces, two_to_one(faces), initial_weights=initial_weights_of_run(finished)), run)
    assert run.record().started_from.startswith("whole, model.keras sha256 ")
    assert run.metrics()[0].loss < finished.metrics()[0].loss


@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_trains_and_continues(
    tmp_path: Path, precision: Literal["mixed_float16", "mixed_bfloat16"]
) -> None:
    faces = bright_halves()
    recipe = msgspec.structs.replace(RECIPE, precision=precision, phases=(Phase(epochs=6),))
    run = RunDir(tmp_path / "half")

    class Interrupted(Exception):
        pass

    def interrupt(metrics: EpochMetrics) -> None:
        if metrics.epoch == 1:
            raise Interrupted

    with pytest.raises(Interrupted):
        fit(TrainingInputs(recipe, faces, two_to_one(faces)), run, on_epoch=interrupt)
    model = fit(TrainingInputs(recipe, faces, two_to_one(faces)), run, resume=True)
    assert len(run.metrics()) == recipe.epochs
    assert run.metrics()[-1].val_accuracy >= 0.9
    assert {layer.compute_dtype for layer in model.layers} == {"float32"}


def test_each_epoch_records_its_throughput(finished: RunDir) -> None:
    for row in finished.metrics():
        assert row.images_per_s > 0
        assert 0.0 <= row.waiting <= 1.0


def test_labels_that_no_model_may_have_are_refused(tmp_path: Path) -> None:
    faces = dataclasses.replace(bright_halves(), classes=("left", "uncertain"))
    with pytest.raises(InputError, match="got left, uncertain, expected different, non-empty names"):
        fit(TrainingInputs(RECIPE, faces, two_to_one(faces)), RunDir(tmp_path / "run"))


def test_a_recipe_without_a_model_needs_weights_to_begin_with(tmp_path: Path) -> None:
    faces = bright_halves()
    with pytest.raises(InputError, match="got no model, expected weights to begin with"):
        fit(
            TrainingInputs(msgspec.structs.replace(RECIPE, model=""), faces, two_to_one(faces)),
            RunDir(tmp_path / "run"),
        )


def test_a_loss_that_is_no_number_stops_the_training_and_keeps_the_last_epoch(tmp_path: Path) -> None:
    faces = bright_halves()
    wild = msgspec.structs.replace(
        RECIPE, optimizer=Optimizer(learning_rate=10.0, weight_decay=1.0, schedule="constant")
    )
    faces.images[two_to_one(faces).train] = 255
    run = RunDir(tmp_path / "wild")
    poisoned = msgspec.structs.replace(wild, phases=(Phase(epochs=60),))
    with pytest.raises(
        TrainingDiverged, match=r"the loss in epoch \d+, step \d+: got (nan|inf), expected a finite number"
    ):
        fit(TrainingInputs(poisoned, faces, two_to_one(faces)), run)


def test_weights_that_the_last_step_of_an_epoch_ruins_are_not_kept(tmp_path: Path) -> None:
    faces, run = bright_halves(), RunDir(tmp_path / "run")
    wild = Optimizer(learning_rate=1.0, schedule="constant")
    one_step_an_epoch = msgspec.structs.replace(
        RECIPE, model="paper-7", phases=(Phase(epochs=12),), batch_size=64, seed=3, optimizer=wild
    )
    with pytest.raises(TrainingDiverged, match=r"loss .*epoch \d+.*: got (nan|inf), expected a finite number"):
        fit(TrainingInputs(one_step_an_epoch, faces, two_to_one(faces)), run)
    assert run.metrics(), "the epochs before can be read"
    assert all(math.isfinite(epoch.val_loss) for epoch in run.metrics())
    assert not run.model_path.exists()


def test_gray_pictures_are_not_trained_on_in_colour(tmp_path: Path) -> None:
    faces = bright_halves()
    with pytest.raises(InputError, match="got images of 1 channels, expected 3"):
        fit(
            TrainingInputs(msgspec.structs.replace(RECIPE, channels=3), faces, two_to_one(faces)),
            RunDir(tmp_path / "run"),
        )


def test_mirroring_pictures_whose_labels_tell_a_side_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    faces = bright_halves()
    mirrored = msgspec.structs.replace(RECIPE, augmentation=Augmentation(flip=True), phases=(Phase(epochs=1),))
    fit(TrainingInputs(mirrored, faces, two_to_one(faces)), RunDir(tmp_path / "run"))
    assert "of which left, right name a side: set flip = false" in caplog.text


def test_a_full_disk_is_reported_in_one_line(tmp_path: Path) -> None:
    message = r"state\.npz: got No space left on device, expected a file that can be written"
    with pytest.raises(NotWritten, match=message), writing(tmp_path / "state.npz"):
        Path("/dev/full").write_bytes(b"state")


def test_an_empty_part_of_the_split_is_refused(tmp_path: Path) -> None:
    faces = bright_halves(3)
    nothing = two_to_one(faces).__class__("none", np.arange(3), np.arange(0), np.arange(0))
    with pytest.raises(InputError, match="3 training and 0 validation images"):
        fit(TrainingInputs(RECIPE, faces, nothing), RunDir(tmp_path / "none"))


def test_a_class_without_training_images_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    faces = bright_halves()
    more = dataclasses.replace(faces, classes=(*faces.classes, "contempt"))
    prepare_inputs(TrainingInputs(RECIPE, more, two_to_one(more)))
    assert caplog.text.count("no training image of contempt") == 1
    caplog.clear()
    prepare_inputs(TrainingInputs(RECIPE, faces, two_to_one(faces)))
    further = dataclasses.replace(bright_halves(seed=9), name="further", classes=("left", "contempt"))
    recipe = msgspec.structs.replace(RECIPE, extra=ExtraUse())
    prepare_inputs(TrainingInputs(recipe, more, two_to_one(more), extra=[further]))
    assert "no training image" not in caplog.text, "the other data set has some"
