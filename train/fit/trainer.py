"""The training itself: inputs in, a finished run directory out, on any Keras backend.

Every epoch is a pure function of the state before it, the seed and its number. So a run that was interrupted continues
from its last whole epoch to the same end, but for rounding: TensorFlow's kernels on several processor threads add in an
order that varies. Validation losses of equal runs were seen 0.04 % apart; ``tests/train/fit/test_trainer.py`` allows
5 %.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras

from edge_agent.errors import AgentError
from train.fit.batches import EpochBatches, Examples, Throughput, Variation, prefetch_workers, steps_per_epoch
from train.fit.distributed import SINGLE_PROCESS, ProcessGroup, check_batch
from train.fit.finishing import at_device_size, finish, finished_weights
from train.fit.inputs import PreparedInputs, TrainingInputs, prepare_inputs
from train.fit.objective import Objective, balance_adjustment, make_optimizer
from train.fit.recipe import Recipe
from train.fit.resuming import begin_or_continue, get_state, set_state
from train.fit.run_dir import RunDir
from train.fit.run_record import EpochMetrics
from train.fit.sharpness import make_sharpness_aware
from train.fit.tensorboard import write_events
from train.fit.validation import accuracy, cross_entropy
from train.models import build, describe_cost
from train.models.inference import predict_logits


class TrainingDiverged(AgentError):
    """The loss is no longer a finite number."""


@dataclass(frozen=True)
class StepProgress:
    """Where a training stands after a step. ``epoch`` counts from 0, ``step`` from 1."""

    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float
    accuracy: float


def fit(
    inputs: TrainingInputs,
    run: RunDir,
    *,
    resume: bool = False,
    deterministic: bool = True,
    group: ProcessGroup = SINGLE_PROCESS,
    on_step: Callable[[StepProgress], None] = lambda _: None,
    on_epoch: Callable[[EpochMetrics], None] = lambda _: None,
) -> keras.Model:
    """Train one network and leave it in the run directory.

    Args:
        inputs: All that the result depends on.
        run: Where to. Empty, or an unfinished run where ``resume``.
        resume: Continue the run in ``run`` from its last whole epoch; start anew where there is none.
        deterministic: Ask the backend for operations that give the same bits every time.
        group: The devices and hosts to train on; every host calls this with the same arguments.
        on_step: Called after every step.
        on_epoch: Called after every epoch.

    Returns:
        The finished network, in float32 and at the device's resolution.

    Raises:
        RunMismatch: The run to continue was begun with another recipe, other data, votes, teachers, weights or split.
        RunDamaged: A file of the run to continue is broken or gone.
        TrainingDiverged: The loss became infinite or not a number; the state of the last whole epoch is kept.
        InputError: The inputs do not fit together (see :func:`train.fit.inputs.prepare_inputs`), the batch cannot be
            divided among the devices, the network of the initial weights is another one, the run directory holds
            something else, or the run to continue is finished and its network is gone.
        ModelError: A teacher model is no bundle.
    """
    prepared = prepare_inputs(inputs)
    recipe = prepared.given.recipe
    check_batch(recipe.batch_size, len(prepared.training_images), group)
    group.require_same("data, split, recipe, votes, teachers or start", prepared.digest_input())
    _seed_backend(recipe, deterministic)  # clears all of Keras' global state, so it comes before the distribution
    with group.distributed():
        return _train(prepared, run, resume=resume, group=group, on_step=on_step, on_epoch=on_epoch)


def _train(
    prepared: PreparedInputs,
    run: RunDir,
    *,
    resume: bool,
    group: ProcessGroup,
    on_step: Callable[[StepProgress], None],
    on_epoch: Callable[[EpochMetrics], None],
) -> keras.Model:
    given, recipe = prepared.given, prepared.given.recipe
    faces = given.faces
    model = _build_network(prepared)
    steps = steps_per_epoch(len(prepared.training_images), recipe.batch_size)
    optimizer = make_optimizer(recipe.optimizer, recipe.epochs, steps)
    adjustment = balance_adjustment(prepared.class_shares, faces.classes, recipe.balance)
    objective = Objective(len(faces.classes), recipe.label_smoothing, recipe.votes.head, adjustment)
    model.compile(optimizer, objective.loss, metrics=[objective.accuracy])
    # Keras wraps the optimizer where half precision needs its loss scaled.
    model.optimizer.build(model.trainable_variables)

    if given.initial_weights is not None:
        given.initial_weights.copy_into(model, faces.classes)
    cost = describe_cost(build(recipe.model, len(faces.classes), channels=recipe.channels))
    done, state = group.broadcast(lambda: begin_or_continue(prepared, run, cost, resume=resume))
    with group.local():  # only the leading host reads the file; with a distribution every host would have to
        if (weights := group.broadcast(lambda: finished_weights(run) if resume else None)) is not None:
            return at_device_size(recipe, faces, weights)
    if state is not None:
        set_state(model, state)
    validated = model
    if group.size > 1:
        with group.local():
            validated = _build_network(prepared)
    first = len(done)
    best = group.broadcast(lambda: run.load_best() if done and recipe.early_stop else None)
    for epoch in range(first, recipe.epochs):
        if group.broadcast(lambda: has_stopped(done, recipe.early_stop)):
            break
        metrics = _train_epoch(prepared, model, validated, epoch, group, on_step, first_in_process=epoch == first)
        done.append(metrics)
        if recipe.early_stop and group.broadcast(lambda: best_epoch(done) == len(done) - 1):
            with group.local():
                best = model.get_weights()
        if group.is_leader:
            run.save_epoch(done, get_state(model), best)
            write_events(run, done)
        on_epoch(metrics)
    with group.local():
        if best is None:
            return finish(recipe, faces, run, model.get_weights(), write=group.is_leader)
        return finish(recipe, faces, run, best, write=group.is_leader, kept_epoch=best_epoch(done) + 1)


def best_epoch(done: Sequence[EpochMetrics]) -> int:
    """The first epoch, counted from 0, of the lowest validation loss."""
    return min(range(len(done)), key=lambda epoch: done[epoch].val_loss)


def has_stopped(done: Sequence[EpochMetrics], early_stop: int) -> bool:
    """Whether so many epochs in succession brought no lower validation loss; never where ``early_stop`` is 0."""
    return bool(early_stop and done) and len(done) - 1 - best_epoch(done) >= early_stop


def _train_epoch(
    prepared: PreparedInputs,
    model: keras.Model,
    validated: keras.Model,
    epoch: int,
    group: ProcessGroup,
    on_step: Callable[[StepProgress], None],
    *,
    first_in_process: bool,
) -> EpochMetrics:
    """Train for one epoch and validate; ``validated`` is ``model``, or a copy of it that no distribution spreads."""
    given, recipe = prepared.given, prepared.given.recipe
    images, split = given.faces.images, given.split
    began = time.monotonic()
    trained_images = len(prepared.training_images)
    steps = steps_per_epoch(trained_images, recipe.batch_size)
    batches = _epoch_batches(prepared, epoch, group)
    if recipe.optimizer.sharpness:
        model.sharp = recipe.is_sharp(epoch)
    before = max(0, epoch - 1)
    if (recipe.phase(epoch).side_px, recipe.is_sharp(epoch)) != (recipe.phase(before).side_px, recipe.is_sharp(before)):
        # A function traced for several sizes computes in another order than one traced for the new size alone,
        # which is what a run continued from here has.
        model.make_train_function(force=True)
    if first_in_process and keras.backend.backend() == "jax":
        # Otherwise Keras takes the first batches to look at their shapes, and begins the epoch behind them.
        model.test_on_batch(*batches[0])
    monitor = _StepMonitor(epoch, recipe.epochs, steps, on_step, batches)
    # Keras would shuffle the batches by Python's global random state, which a continued run does not have.
    history = model.fit(batches, initial_epoch=epoch, epochs=epoch + 1, shuffle=False, verbose=0, callbacks=[monitor])
    if validated is not model:
        validated.set_weights(model.get_weights())
    with group.local():
        logits = predict_logits(validated, images[split.validation])[:, : len(given.faces.classes)]
    labels = given.faces.labels[split.validation]
    val_loss = cross_entropy(logits, labels)
    if not math.isfinite(val_loss):  # an epoch's last step can ruin weights whose losses were all finite
        raise _diverged(f"the validation loss after epoch {epoch + 1}", val_loss)
    return EpochMetrics(
        epoch=epoch,
        loss=history.history["loss"][0],
        accuracy=history.history["accuracy"][0],
        val_loss=val_loss,
        val_accuracy=accuracy(logits, labels),
        learning_rate=float(keras.ops.convert_to_numpy(model.optimizer.learning_rate)),
        seconds=time.monotonic() - began,
        images_per_s=steps * min(recipe.batch_size, trained_images) / max(monitor.throughput.seconds, 1e-9),
        waiting=monitor.throughput.waiting,
    )


def _build_network(prepared: PreparedInputs) -> keras.Model:
    recipe = prepared.given.recipe
    model = build(recipe.model, prepared.targets.shape[1], channels=recipe.channels, any_size=recipe.changes_size)
    return make_sharpness_aware(model, radius) if (radius := recipe.optimizer.sharpness) else model


def _epoch_batches(prepared: PreparedInputs, epoch: int, group: ProcessGroup) -> EpochBatches:
    recipe = prepared.given.recipe
    phase = recipe.phase(epoch)
    teachers = prepared.teachers if phase.use_teachers else None
    return EpochBatches(
        Examples(
            prepared.training_images,
            prepared.targets,
            teachers=None if teachers is None else (teachers, prepared.teacher_shares),
        ),
        Variation(recipe.augmentation.times(phase.variation), recipe.degradation, phase.side_px),
        epoch=epoch,
        seed=recipe.seed,
        batch_size=recipe.batch_size,
        shard=(group.host, group.hosts),
        workers=prefetch_workers(),
    )


def _seed_backend(recipe: Recipe, deterministic: bool) -> None:
    keras.utils.clear_session()
    keras.utils.set_random_seed(recipe.seed)
    keras.mixed_precision.set_global_policy(recipe.precision)
    if deterministic and keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()


def _diverged(what: str, received: float) -> TrainingDiverged:
    return TrainingDiverged(
        what,
        received=received,
        expected="a finite number",
        remedy="Lower the learning rate or raise warmup_epochs, then start a new run",
    )


class _StepMonitor(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no type information
    """Reports every step and stops a training that diverges."""

    def __init__(
        self, epoch: int, epochs: int, steps: int, on_step: Callable[[StepProgress], None], batches: EpochBatches
    ) -> None:
        super().__init__()
        self._batches = batches
        self.throughput = Throughput(time.monotonic())
        self._epoch, self._epochs, self._steps, self._on_step = epoch, epochs, steps, on_step

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        loss = float((logs or {})["loss"])  # waits for the device
        now = time.monotonic()
        self.throughput.step(self._batches.started_at.get(batch, now), self._batches.ready_at.get(batch, now), now)
        if not math.isfinite(loss):
            raise _diverged(f"the loss in epoch {self._epoch + 1}, step {batch + 1}", loss)
        self._on_step(
            StepProgress(self._epoch, self._epochs, batch + 1, self._steps, loss, float((logs or {})["accuracy"]))
        )
