"""The training itself: recipe and faces in, a finished run directory out, on any Keras backend.

Every epoch is a pure function of the state before it, the seed and its number. So a run that was interrupted continues
from its last whole epoch to the same end, but for rounding: TensorFlow's kernels on several processor threads add in an
order that varies. Validation losses of equal runs were seen 0.04 % apart; ``tests/train/fit/test_trainer.py`` allows
5 %.
"""

from __future__ import annotations

import logging
import math
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from edge_agent.errors import AgentError, InputError
from edge_agent.model_format.labels import LABELS_WANTED, are_usable
from edge_agent.model_format.metadata import FACE_SIZE
from train.data.dataset import FaceSet, Split
from train.data.ferplus import Votes
from train.fit.batches import EpochBatches, Pace, feeders, steps_per_epoch
from train.fit.distillation import Teachers
from train.fit.distributed import ALONE, Team, check_batch
from train.fit.finishing import at_device_size, finish, finished_weights
from train.fit.initial_weights import Start
from train.fit.objective import Objective, make_optimizer, make_targets, open_teachers
from train.fit.recipe import Recipe
from train.fit.resuming import begin_or_continue, get_state, set_state
from train.fit.run_dir import EpochMetrics, RunDir
from train.fit.tensorboard import write_events
from train.models import build, describe_cost

log = logging.getLogger(__name__)


class TrainingDiverged(AgentError):
    """The loss is no longer a finite number."""


@dataclass(frozen=True)
class Progress:
    """Where a training stands, told after every step."""

    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float
    accuracy: float


def fit(
    recipe: Recipe,
    faces: FaceSet,
    split: Split,
    run: RunDir,
    *,
    resume: bool = False,
    start_from: Start | None = None,
    votes: Votes | None = None,
    teachers: Sequence[Path] = (),
    deterministic: bool = True,
    team: Team = ALONE,
    on_step: Callable[[Progress], None] = lambda _: None,
    on_epoch: Callable[[EpochMetrics], None] = lambda _: None,
) -> keras.Model:
    """Train one network and leave it in the run directory.

    Args:
        recipe: All settings.
        faces: The data set.
        split: Which rows to learn from and which to judge by.
        run: Where to. Empty, or an unfinished run where ``resume``.
        resume: Continue the run in ``run`` from its last whole epoch; start anew where there is none.
        start_from: Weights to begin with, and the network where the recipe names none.
        votes: FER+'s votes on ``faces``, where the recipe uses them.
        teachers: Bundles to learn from, where the recipe uses them.
        deterministic: Ask the backend for operations that give the same bits every time.
        team: The devices and hosts to train on; every host calls this with the same arguments.
        on_step: Told after every step.
        on_epoch: Told after every epoch.

    Raises:
        RunMismatch: The run to continue was begun with another recipe, other data, votes, teachers, weights or split.
        TrainingDiverged: The loss became infinite or not a number; the state of the last whole epoch is kept.
        InputError: The run directory holds something else, there is nothing to train on, the labels cannot be a
            model's, the images have other channels than the recipe, the network to begin with is another one or
            missing, the recipe uses votes or teachers and none were given or the other way round, or the run to
            continue is finished and its network is gone.
        ModelError: A teacher is no bundle.
    """
    if len(split.train) == 0 or len(split.validation) == 0:
        raise InputError(
            f"split {split.protocol}",
            received=f"{len(split.train)} training and {len(split.validation)} validation images",
            expected="at least one of each",
        )
    if not are_usable(faces.classes):
        raise InputError(
            f"{faces.name}: labels",
            received=", ".join(faces.classes),
            expected=LABELS_WANTED,
            remedy="Rename or add class folders",
        )
    recipe = start_from.complete(recipe) if start_from is not None else recipe
    if not recipe.model:
        raise InputError(
            f"recipe {recipe.title!r}",
            received="no model",
            expected="weights to begin with",
            remedy="Name a run or a bundle with --from",
        )
    if recipe.channels != faces.images.shape[-1]:
        raise InputError(
            f"{faces.name}",
            received=f"images of {faces.images.shape[-1]} channels",
            expected=f"{recipe.channels}, as the recipe says",
        )
    _warn_of_sides(recipe, faces.classes)
    targets = make_targets(recipe, faces, split, votes)
    taught = open_teachers(recipe, faces, teachers)
    check_batch(recipe.batch_size, len(split.train), team)
    team.agree(
        "data, split, recipe, votes, teachers or start", _fingerprint(recipe, faces, split, targets, taught, start_from)
    )
    _seed_backend(recipe, deterministic)  # forgets all of Keras' global state, so it comes before the spreading
    with team.spread():
        return _fit(
            recipe,
            faces,
            split,
            run,
            targets,
            taught,
            votes,
            resume=resume,
            start_from=start_from,
            team=team,
            on_step=on_step,
            on_epoch=on_epoch,
        )


def _fit(
    recipe: Recipe,
    faces: FaceSet,
    split: Split,
    run: RunDir,
    targets: NDArray[np.float32],
    teachers: Teachers | None,
    votes: Votes | None,
    *,
    resume: bool,
    start_from: Start | None,
    team: Team,
    on_step: Callable[[Progress], None],
    on_epoch: Callable[[EpochMetrics], None],
) -> keras.Model:
    steps = steps_per_epoch(len(split.train), recipe.batch_size)
    model = build(recipe.model, targets.shape[1], channels=recipe.channels, any_size=_changes_size(recipe))
    optimizer = make_optimizer(recipe.optimizer, recipe.epochs, steps)
    objective = Objective(len(faces.classes), recipe.label_smoothing, recipe.votes.head)
    model.compile(optimizer, objective.loss, metrics=[objective.accuracy])
    optimizer = model.optimizer  # wrapped by Keras where half precision needs its loss scaled
    optimizer.build(model.trainable_variables)

    if start_from is not None:
        start_from.copy_into(model, faces.classes)
    cost = describe_cost(build(recipe.model, len(faces.classes), channels=recipe.channels))
    done, state = team.share(
        lambda: begin_or_continue(
            recipe, faces, split, run, cost, teachers, votes, resume=resume, start_from=start_from
        )
    )
    with team.apart():  # the leading host alone reads the file, and while spread every host would have to
        if (weights := team.share(lambda: finished_weights(run) if resume else None)) is not None:
            return at_device_size(recipe, faces, weights)
    if state is not None:
        set_state(model, state)
    judge = model
    if team.size > 1:
        with team.apart():
            judge = build(recipe.model, targets.shape[1], channels=recipe.channels, any_size=_changes_size(recipe))
    images = faces.images[split.train]
    held_out, held_out_labels = faces.images[split.validation], faces.labels[split.validation]
    first = len(done)
    for epoch in range(first, recipe.epochs):
        began = time.monotonic()
        phase = recipe.phase(epoch)
        taught_by = (teachers, recipe.teaching.weight) if teachers is not None and phase.taught else None
        batches = EpochBatches(
            images,
            targets,
            epoch=epoch,
            seed=recipe.seed,
            batch_size=recipe.batch_size,
            augmentation=recipe.augmentation.times(phase.variation),
            spoiling=recipe.spoiling,
            side_px=phase.side_px,
            share=(team.host, team.hosts),
            workers=feeders(),
            teachers=taught_by,
        )
        if epoch and phase.side_px != recipe.phase(epoch - 1).side_px:
            # A function traced for several sizes computes in another order than one traced for the new size alone,
            # which is what a run continued from here has.
            model.make_train_function(force=True)
        if epoch == first and keras.backend.backend() == "jax":
            # Otherwise Keras takes the process's first batch to shape its metrics by, and then trains without it.
            model.test_on_batch(*batches[0])
        watch = _Watch(epoch, recipe.epochs, steps, on_step, batches)
        # Keras would shuffle the batches by Python's global random state, which a continued run does not have.
        history = model.fit(batches, initial_epoch=epoch, epochs=epoch + 1, shuffle=False, verbose=0, callbacks=[watch])
        if judge is not model:
            judge.set_weights(model.get_weights())
        with team.apart():
            logits = predict_logits(judge, held_out)[:, : len(faces.classes)]
        val_loss, val_accuracy = cross_entropy(logits, held_out_labels), accuracy(logits, held_out_labels)
        if not math.isfinite(val_loss):  # an epoch's last step can spoil weights whose losses were all finite
            raise _diverged(f"the validation loss after epoch {epoch + 1}", val_loss)
        metrics = EpochMetrics(
            epoch=epoch,
            loss=history.history["loss"][0],
            accuracy=history.history["accuracy"][0],
            val_loss=val_loss,
            val_accuracy=val_accuracy,
            learning_rate=float(keras.ops.convert_to_numpy(optimizer.learning_rate)),
            seconds=time.monotonic() - began,
            images_per_s=steps * min(recipe.batch_size, len(images)) / max(watch.pace.seconds, 1e-9),
            waiting=watch.pace.waiting,
        )
        done.append(metrics)
        if team.leads:
            run.save_epoch(done, get_state(model))
            write_events(run, done)
        on_epoch(metrics)
    with team.apart():
        return finish(recipe, faces, run, model.get_weights(), write=team.leads)


def predict_logits(model: keras.Model, images: NDArray[np.uint8], batch_size: int = 256) -> NDArray[np.float32]:
    """Logits of a network for ``uint8 (N, 48, 48, C)`` images, ``float32 (N, K)``."""
    if len(images) == 0:
        return np.zeros((0, model.output_shape[-1]), np.float32)
    predicted = model.predict(images.astype(np.float32), batch_size=batch_size, verbose=0)
    return np.asarray(predicted, np.float32)


def accuracy(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Share of rows whose largest logit is at the label."""
    return float(np.mean(np.argmax(logits, axis=1) == labels))


def cross_entropy(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Mean negative log likelihood of the labels, in nats."""
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    log_sum = np.log(np.exp(shifted).sum(axis=1))
    return float(np.mean(log_sum - shifted[np.arange(len(labels)), labels]))


def _seed_backend(recipe: Recipe, deterministic: bool) -> None:
    keras.utils.clear_session()
    keras.utils.set_random_seed(recipe.seed)
    keras.mixed_precision.set_global_policy(recipe.precision)
    if deterministic and keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()


def _fingerprint(
    recipe: Recipe,
    faces: FaceSet,
    split: Split,
    targets: NDArray[np.float32],
    teachers: Teachers | None,
    start: Start | None,
) -> bytes:
    rows = b"".join(part.astype(np.int64).tobytes() for part in (split.train, split.validation))
    named = () if teachers is None else teachers.descriptions
    begun = "" if start is None else start.description
    words = f"{recipe.settings()}{faces.fingerprint()}{split.protocol}{named}{begun}"
    return words.encode() + rows + targets.tobytes()


def _warn_of_sides(recipe: Recipe, classes: tuple[str, ...]) -> None:
    sided = [name for name in classes if {"left", "right"} & set(re.split(r"[^a-z]+", name))]
    if recipe.augmentation.flip and sided:
        log.warning(
            "pictures are mirrored and keep their labels, of which %s tell a side: set flip = false under "
            "[augmentation] in the recipe",
            ", ".join(sided),
        )


def _changes_size(recipe: Recipe) -> bool:
    return any(phase.side_px != FACE_SIZE for phase in recipe.phases)


def _diverged(what: str, received: float) -> TrainingDiverged:
    return TrainingDiverged(
        what,
        received=received,
        expected="a finite number",
        remedy="Lower the learning rate or raise warmup_epochs, then start a new run",
    )


class _Watch(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no type information
    """Reports every step and stops a training that went astray."""

    def __init__(
        self, epoch: int, epochs: int, steps: int, on_step: Callable[[Progress], None], batches: EpochBatches
    ) -> None:
        super().__init__()
        self._batches = batches
        self.pace = Pace(time.monotonic())
        self._epoch, self._epochs, self._steps, self._on_step = epoch, epochs, steps, on_step

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        loss = float((logs or {})["loss"])  # waits for the device
        now = time.monotonic()
        self.pace.step(self._batches.asked_at.get(batch, now), self._batches.ready_at.get(batch, now), now)
        if not math.isfinite(loss):
            raise _diverged(f"the loss in epoch {self._epoch + 1}, step {batch + 1}", loss)
        self._on_step(
            Progress(self._epoch, self._epochs, batch + 1, self._steps, loss, float((logs or {})["accuracy"]))
        )
