"""Sharpness-aware steps: what one step does, and trainings that have them throughout or at the end."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import keras
import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from edge_agent.errors import ConfigError
from tests.train.faces import bright_halves, two_to_one
from tests.train.fit.test_trainer import RECIPE
from train.fit.inputs import TrainingInputs
from train.fit.recipe import Optimizer, Phase, Recipe, adjust, check_consistency
from train.fit.run_dir import RunDir
from train.fit.saved import load_model
from train.fit.sharpness import make_sharpness_aware
from train.fit.trainer import fit

RADIUS = 0.3
POINTS = np.random.default_rng(0).normal(size=(8, 5)).astype(np.float32)
TARGETS = np.eye(3, dtype=np.float32)[np.arange(8) % 3]
KERNEL = np.random.default_rng(1).normal(size=(5, 3))
RATE = 0.5


def linear(*, sharp: bool) -> keras.Model:
    inputs = keras.Input((5,))
    model = keras.Model(inputs, keras.layers.Dense(3, use_bias=False)(inputs))
    if sharp:
        model = make_sharpness_aware(model, RADIUS)
    model.compile(keras.optimizers.SGD(RATE), keras.losses.CategoricalCrossentropy(from_logits=True))
    model.set_weights([KERNEL])
    return model


def gradient(kernel: NDArray[np.float64]) -> NDArray[np.float64]:
    logits = POINTS @ kernel
    probabilities = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    return np.asarray(POINTS.T @ (probabilities - TARGETS) / len(POINTS), np.float64)


def check_one_step() -> None:
    """The weights move by the gradient that holds a radius further up, and the loss is the one before the step."""
    model = linear(sharp=True)
    upwards = gradient(KERNEL)
    there = KERNEL + RADIUS * upwards / np.linalg.norm(upwards)
    loss = model.train_on_batch(POINTS, TARGETS)
    np.testing.assert_allclose(model.get_weights()[0], KERNEL - RATE * gradient(there), atol=1e-6)
    assert abs(float(loss) - float(linear(sharp=False).test_on_batch(POINTS, TARGETS))) < 1e-5
    model.sharp = False
    model.set_weights([KERNEL])
    model.make_train_function(force=True)
    model.train_on_batch(POINTS, TARGETS)
    np.testing.assert_allclose(model.get_weights()[0], KERNEL - RATE * gradient(KERNEL), atol=1e-6)


def test_a_step_takes_the_gradient_from_further_up() -> None:
    check_one_step()


@pytest.mark.timeout(300)
def test_a_step_is_the_same_on_jax() -> None:
    pytest.importorskip("jax", reason="JAX is not installed: pip install 'classroom-edge-agent[train-jax]'")
    script = "from tests.train.fit.test_sharpness import check_one_step; check_one_step()"
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]


def test_both_passes_drop_the_same_and_statistics_are_counted_once() -> None:
    faces = bright_halves(16)
    images, targets = faces.images.astype(np.float32), np.eye(2, dtype=np.float32)[faces.labels]
    others = []
    for sharp in (False, True):
        keras.utils.set_random_seed(3)
        inputs = keras.Input((48, 48, 1))
        hidden = keras.layers.BatchNormalization()(keras.layers.Conv2D(4, 3, strides=8)(inputs))
        hidden = keras.layers.Dropout(0.5, seed=1)(keras.layers.Flatten()(hidden))
        model = keras.Model(inputs, keras.layers.Dense(2)(hidden))
        model = make_sharpness_aware(model, 0.05) if sharp else model
        model.compile("sgd", keras.losses.CategoricalCrossentropy(from_logits=True))
        loss = np.array(float(model.train_on_batch(images, targets)))
        others.append([*(keras.ops.convert_to_numpy(one) for one in model.non_trainable_variables), loss])
    for plain, aware in zip(*others, strict=True):
        np.testing.assert_allclose(aware, plain, rtol=1e-5)


SHARP: Recipe = msgspec.structs.replace(
    RECIPE,
    phases=(Phase(epochs=5),),
    optimizer=Optimizer(learning_rate=0.05, warmup_epochs=1, weight_decay=0.005, sharpness=0.05, sharpness_epochs=3),
)


class _Cut(Exception):
    pass


@pytest.mark.parametrize("done", [1, 3])
def test_a_training_that_ends_with_them_learns_and_continues_to_the_same_end(done: int, tmp_path: Path) -> None:
    faces = bright_halves()
    inputs = TrainingInputs(SHARP, faces, two_to_one(faces))
    whole, cut = RunDir(tmp_path / "whole"), RunDir(tmp_path / "cut")
    fit(inputs, whole)

    def stop(_: object) -> None:
        if len(cut.metrics()) == done:
            raise _Cut

    with pytest.raises(_Cut):
        fit(inputs, cut, on_epoch=stop)
    fit(inputs, cut, resume=True)
    found, expected = ([row.val_loss for row in run.metrics()] for run in (cut, whole))
    assert found == pytest.approx(expected, rel=0.05)
    assert whole.metrics()[-1].val_accuracy >= 0.9
    assert type(load_model(whole)).__module__.startswith("keras."), "the saved network is a plain one"


def test_the_last_epochs_have_them_or_all() -> None:
    assert [SHARP.is_sharp(epoch) for epoch in range(5)] == [False, False, True, True, True]
    throughout = msgspec.structs.replace(SHARP, optimizer=Optimizer(sharpness=0.05))
    assert all(throughout.is_sharp(epoch) for epoch in range(5))
    assert not any(RECIPE.is_sharp(epoch) for epoch in range(8))


def test_with_other_epochs_they_keep_their_share() -> None:
    assert adjust(SHARP, epochs=10).optimizer.sharpness_epochs == 6
    assert adjust(SHARP, epochs=1).optimizer.sharpness_epochs == 1
    assert adjust(RECIPE, epochs=4).optimizer.sharpness_epochs == 0


@pytest.mark.parametrize("optimizer", [Optimizer(sharpness_epochs=3), Optimizer(sharpness=0.05, sharpness_epochs=6)])
def test_epochs_without_a_radius_and_more_than_there_are_are_refused(optimizer: Optimizer) -> None:
    with pytest.raises(ConfigError, match=r"here: optimizer\.sharpness_epochs: got \d, expected at most the 5 epochs"):
        check_consistency(msgspec.structs.replace(SHARP, optimizer=optimizer), "here")
