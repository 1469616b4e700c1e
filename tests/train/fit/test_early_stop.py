"""Early stopping keeps the best weights and survives interruptions; settings of the command line are recorded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest

from tests.train.faces import bright_halves, two_to_one
from tests.train.fit.test_trainer import RECIPE
from train.data.splits import limit_training
from train.fit.inputs import TrainingInputs
from train.fit.recipe import Optimizer, Phase, Recipe, adjust
from train.fit.run_dir import RunDir
from train.fit.run_record import EpochMetrics
from train.fit.trainer import best_epoch, fit, has_stopped
from train.fit.validation import cross_entropy
from train.models.inference import predict_logits

WORSENING = msgspec.structs.replace(
    RECIPE,
    phases=(Phase(epochs=20),),
    optimizer=Optimizer(learning_rate=0.05, schedule="constant"),
    early_stop=2,
)


def epochs(losses: Sequence[float]) -> list[EpochMetrics]:
    return [
        EpochMetrics(epoch=n, loss=1, accuracy=0, val_loss=loss, val_accuracy=0, learning_rate=0, seconds=1)
        for n, loss in enumerate(losses)
    ]


def test_it_stops_after_so_many_epochs_without_a_lower_loss() -> None:
    assert not has_stopped(epochs([3, 2, 2.5]), 2)
    assert has_stopped(epochs([3, 2, 2.5, 2]), 2)
    assert not has_stopped(epochs([3, 2, 2.5, 2]), 0)
    assert not has_stopped([], 1)
    assert best_epoch(epochs([3, 2, 2.5, 2])) == 1


@pytest.mark.timeout(600)
def test_the_best_weights_are_kept_also_where_the_run_was_interrupted(tmp_path: Path) -> None:
    faces = bright_halves()
    inputs = TrainingInputs(WORSENING, faces, two_to_one(faces))
    run = RunDir(tmp_path / "run")

    class Interrupted(Exception):
        pass

    def interrupt(metrics: EpochMetrics) -> None:
        if metrics.epoch == 2:
            raise Interrupted

    with pytest.raises(Interrupted):
        fit(inputs, run, on_epoch=interrupt)
    model = fit(inputs, run, resume=True)
    done, record = run.metrics(), run.record()
    assert len(done) == 20 or has_stopped(done, 2)
    assert record.kept_epoch == best_epoch(done) + 1
    assert f"weights of epoch {record.kept_epoch}" in record.protocol_note
    held_out = two_to_one(faces).validation
    loss = cross_entropy(predict_logits(model, faces.images[held_out]), faces.labels[held_out])
    assert loss == pytest.approx(min(row.val_loss for row in done), rel=1e-3)
    fit(inputs, run, resume=True)
    assert run.metrics() == done


def test_without_it_the_last_weights_are_kept(tmp_path: Path) -> None:
    faces = bright_halves()
    run = RunDir(tmp_path / "run")
    fit(TrainingInputs(adjust(RECIPE, epochs=1), faces, two_to_one(faces)), run)
    assert run.record().kept_epoch == 0
    assert run.load_best() is None


def test_a_limit_keeps_the_shares_of_the_classes_and_is_recorded(tmp_path: Path) -> None:
    faces = bright_halves()
    recipe = adjust(RECIPE, epochs=1, limit=20)
    run = RunDir(tmp_path / "run")
    fit(TrainingInputs(recipe, faces, two_to_one(faces)), run)
    record = run.record()
    assert (record.images["train"], record.recipe.limit, record.recipe.epochs) == (20, 20, 1)
    assert "Trained on 20 of 64 images." in record.protocol_note


def test_limited_training_images_are_drawn_by_class() -> None:
    faces = bright_halves(300)
    labels = np.where(np.arange(300) < 30, 0, 1)
    split = two_to_one(faces)
    drawn = limit_training(split, labels, 40, 1).train
    assert len(drawn) == 40
    assert set(drawn) <= set(split.train)
    assert np.bincount(labels[drawn]).tolist() == [6, 34]
    assert np.bincount(labels[limit_training(split, labels, 2, 1).train]).tolist() == [1, 1]
    assert limit_training(split, labels, 1000, 1) is split


@pytest.mark.parametrize(
    ("epochs_wanted", "lengths", "warmup"), [(16, [4, 12], 2), (4, [1, 3], 1), (2, [1, 1], 1), (1, [1], 0)]
)
def test_other_epochs_keep_the_shares_of_the_phases(epochs_wanted: int, lengths: list[int], warmup: int) -> None:
    recipe = adjust(RECIPE, epochs=epochs_wanted)
    assert [phase.epochs for phase in recipe.phases] == lengths
    assert recipe.optimizer.warmup_epochs == warmup
    assert recipe.phases[-1].side_px == 48


def test_what_is_not_given_stays() -> None:
    assert adjust(RECIPE) == RECIPE
    changed: Recipe = adjust(RECIPE, learning_rate=0.3, early_stop=4)
    assert (changed.optimizer.learning_rate, changed.early_stop, changed.phases) == (0.3, 4, RECIPE.phases)
