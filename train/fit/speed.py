"""Which precision and how many threads train fastest on this very processor, measured before a long training begins.

bfloat16 is 1.4 times as fast as float32 on processors with instructions for it, and eight times as slow without. So a
few steps of the very network are timed. Threads can only be chosen before a backend computes. So each number of threads
is measured in a child process.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from collections.abc import Sequence

import msgspec

from edge_agent.decoding import decode_json
from edge_agent.errors import InputError
from train.common.precision import FASTEST
from train.fit.recipe import Recipe

MIN_IMAGES_TO_MEASURE = 500_000
"""Images shown in a training, all epochs together, from which on it is worth half a minute to measure first."""

_PRECISIONS = ("float32", "mixed_bfloat16")
_MEASURED_S, _MAX_STEPS = 3.0, 40
_PATIENCE_S = 180.0

log = logging.getLogger(__name__)


class Speed(msgspec.Struct, frozen=True, kw_only=True):
    """How fast a network trains.

    Attributes:
        precision: Keras' dtype policy.
        threads: Threads of TensorFlow's operations; 0 where the backend decides.
        images_per_s: Images a second, without what preparing them takes.
    """

    precision: str
    threads: int
    images_per_s: float

    def describe(self) -> str:
        """In words for a person."""
        on = f" on {_threads(self.threads)}" if self.threads else ""
        return f"{self.precision}{on}: {self.images_per_s:,.0f} images a second"


class _Task(msgspec.Struct, frozen=True, kw_only=True):
    """What a child process measures."""

    model: str
    outputs: int
    channels: int
    side_px: int
    any_size: bool
    batch_size: int
    threads: int


def fastest_of(speeds: Sequence[Speed]) -> Speed:
    """The fastest; of two that differ by less than 3 %, the one with float32 and more threads, which is the usual."""
    best = max(speeds, key=lambda one: one.images_per_s)
    near = [one for one in speeds if one.images_per_s >= 0.97 * best.images_per_s]
    return min(near, key=lambda one: (one.precision != "float32", -one.threads))


def measure_speeds(recipe: Recipe, outputs: int) -> list[Speed]:
    """Time a few steps of a recipe's network for each precision and each number of threads that may be fastest.

    Args:
        recipe: Its network, and the size of its last phase.
        outputs: Number of the network's outputs.

    Returns:
        What could be measured. A child process that fails or takes too long gives nothing but a warning.
    """
    found = []
    for threads in _thread_counts():
        task = _Task(
            model=recipe.model,
            outputs=outputs,
            channels=recipe.channels,
            side_px=recipe.phases[-1].side_px,
            any_size=recipe.changes_size,
            batch_size=recipe.batch_size,
            threads=threads,
        )
        try:
            ended = subprocess.run(
                [sys.executable, "-m", "train.fit.speed"],
                input=msgspec.json.encode(task),
                capture_output=True,
                env={**os.environ, **thread_environment(threads)},
                timeout=_PATIENCE_S,
                check=True,
            )
            found += decode_json(ended.stdout, list[Speed])
        except (subprocess.SubprocessError, msgspec.DecodeError) as error:
            log.warning("the speed with %s could not be measured: %s", _threads(threads), _reason(error))
    return found


def choose_speed(recipe: Recipe, images: int, outputs: int) -> Speed:
    """The fastest way to train. For a short training it is float32, unmeasured, with 0 images a second.

    Args:
        recipe: The recipe.
        images: Training images of an epoch.
        outputs: Number of the network's outputs.

    Raises:
        InputError: The recipe names no network, so nothing can be measured.
    """
    if images * recipe.epochs < MIN_IMAGES_TO_MEASURE:
        return Speed(precision="float32", threads=0, images_per_s=0.0)
    if not recipe.model:
        raise InputError(
            f"recipe {recipe.title!r}: precision",
            received=FASTEST,
            expected="a network to measure with",
            remedy="Name it as model in the recipe, or give --precision float32",
        )
    speeds = measure_speeds(recipe, outputs)
    return fastest_of(speeds) if speeds else Speed(precision="float32", threads=0, images_per_s=0.0)


def thread_environment(threads: int) -> dict[str, str]:
    """Environment variables with which TensorFlow, imported afterwards, uses so many threads; none for 0."""
    return {"TF_NUM_INTRAOP_THREADS": str(threads)} if threads else {}


def _threads(threads: int) -> str:
    return f"{threads} thread{'s' if threads > 1 else ''}" if threads else "the backend's own threads"


def _reason(error: Exception) -> str:
    """Why a child process gave nothing: the last line that it wrote, else what the error says."""
    said = (getattr(error, "stderr", None) or b"").decode("utf-8", "replace").split("\n")
    return next((line.strip() for line in reversed(said) if line.strip()), str(error))


def _thread_counts() -> list[int]:
    """All processor threads, and half of them: where two share a core, one on each may be faster."""
    if os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow":
        return [0]
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return sorted({available, max(1, available // 2)}, reverse=True)


def _measure(task: _Task) -> list[Speed]:
    import keras
    import numpy as np

    from train.models import build

    shape = (task.batch_size, task.side_px, task.side_px, task.channels)
    images = np.random.default_rng(0).integers(0, 256, shape).astype(np.float32)
    targets = np.eye(task.outputs, dtype=np.float32)[np.arange(task.batch_size) % task.outputs]
    found = []
    for precision in _PRECISIONS:
        keras.utils.clear_session()
        keras.mixed_precision.set_global_policy(precision)
        model = build(task.model, task.outputs, channels=task.channels, any_size=task.any_size)
        model.compile("sgd", keras.losses.CategoricalCrossentropy(from_logits=True))
        model.train_on_batch(images, targets)  # the first step is compiled
        began = time.monotonic()
        steps = 0
        while steps < _MAX_STEPS and time.monotonic() - began < _MEASURED_S:
            model.train_on_batch(images, targets)
            steps += 1
        rate = steps * task.batch_size / (time.monotonic() - began)
        found.append(Speed(precision=precision, threads=task.threads, images_per_s=rate))
    return found


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(_measure(decode_json(sys.stdin.buffer.read(), _Task))))
