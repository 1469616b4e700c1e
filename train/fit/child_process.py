"""Trainings in child processes.

Backends keep compiled functions, memory and settings as long as their process lives. Some settings, such as
TensorFlow's deterministic operations, cannot be switched off again. A queue of trainings therefore gives each a fresh
process; what a run needs to continue is in its run directory anyway.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import IO

import msgspec

from edge_agent.command_line import run_app
from edge_agent.decoding import decode_json
from edge_agent.errors import CheckFailed, InputError
from train.fit.recipe import Recipe


class Assignment(msgspec.Struct, frozen=True, kw_only=True):
    """A training for a child process.

    Attributes:
        recipe: Every setting; its ``protocol`` splits the data.
        data: Path of the data set.
        run: The run directory: made, continued, or not changed where it is finished.
        needs_gpu: Whether to refuse to train on the processor alone.
        cores: Numbers of the processor cores to use; empty for all.
        name: Prefix of its lines of progress, where several train at the same time.
    """

    recipe: Recipe
    data: str
    run: str
    needs_gpu: bool = False
    cores: tuple[int, ...] = ()
    name: str = ""


def device_environment(device: str) -> dict[str, str]:
    """Environment variables that restrict a backend to a device.

    Args:
        device: ``auto``, ``cpu``, ``gpu``, or ``gpu:1`` for the second one.

    Raises:
        InputError: It is none of these.
    """
    kind, _, number = device.partition(":")
    if device == "auto" or device == "gpu":
        return {}
    if device == "cpu":
        return {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}
    if kind == "gpu" and number.isdecimal():
        return {"CUDA_VISIBLE_DEVICES": number}
    raise InputError("device", received=repr(device), expected="auto, cpu, gpu, or gpu:0, gpu:1 ...")


class Children:
    """Trainings in child processes, one or several at a time; leaving the ``with`` ends those that still run.

    They show their progress on this process's standard error, and end when it does.

    Args:
        environment: Variables to set for each process, beyond this one's.
    """

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = {**os.environ, **(environment or {})}
        self._running: dict[subprocess.Popen[bytes], Assignment] = {}
        self._ended: SimpleQueue[subprocess.Popen[bytes]] = SimpleQueue()

    def __enter__(self) -> Children:
        return self

    def __exit__(self, *_: object) -> None:
        for child in self._running:
            child.terminate()
        for child in self._running:
            _close(child)

    def start(self, assignment: Assignment) -> None:
        """Start a training."""
        # In its own session, so that Ctrl-C reaches only this process, which then ends the child without a traceback.
        child = subprocess.Popen(
            [sys.executable, "-m", "train.fit.child_process"],
            stdin=subprocess.PIPE,
            env=self._environment,
            start_new_session=True,
        )
        self._running[child] = assignment
        assert child.stdin is not None
        # It may die before it reads; its exit status shows that.
        with suppress(BrokenPipeError):
            child.stdin.write(msgspec.json.encode(assignment) + b"\n")
            child.stdin.flush()
        threading.Thread(target=self._await, args=(child,), daemon=True).start()

    def next_ended(self) -> tuple[Assignment, int]:
        """Wait until one of the child processes has ended.

        Returns:
            Its assignment and its exit status: 0 when the run is finished, an error's exit code, or the negative number
            of a signal.
        """
        child = self._ended.get()
        assignment = self._running.pop(child)
        _close(child)
        return assignment, child.returncode

    def _await(self, child: subprocess.Popen[bytes]) -> None:
        child.wait()
        self._ended.put(child)


def _close(child: subprocess.Popen[bytes]) -> None:
    child.wait()
    assert child.stdin is not None
    with suppress(BrokenPipeError):
        child.stdin.close()


def main(orders: IO[bytes]) -> None:
    """Do the training in the first line of ``orders``, or nothing if the stream ends before that.

    The process leaves when the stream ends later.
    """
    order = orders.readline()
    if not order:  # the parent ended before it wrote one
        return
    assignment = decode_json(order, Assignment)
    if assignment.cores and hasattr(os, "sched_setaffinity"):
        # Backends start a thread for each core they may use, so this comes before they are imported.
        os.sched_setaffinity(0, assignment.cores)
    threading.Thread(target=_leave_with_parent, args=(orders,), daemon=True).start()

    from train.data import load
    from train.data.splits import make_split

    recipe = assignment.recipe
    faces = load(Path(assignment.data), channels=recipe.channels)
    split = make_split(faces, recipe.protocol)

    # Modules that import a backend come after the checks that need none.
    from train.common.backend import import_backend

    import_backend()
    from train.common.machine import accelerators
    from train.fit.inputs import TrainingInputs
    from train.fit.progress import show_progress
    from train.fit.run_dir import RunDamaged, RunDir
    from train.fit.trainer import fit

    if assignment.needs_gpu and not accelerators():
        raise InputError(
            "device",
            received="no GPU that the backend can use",
            expected="one",
            remedy="Install the backend with GPU support, or choose --device cpu",
        )
    with show_progress(recipe.epochs, name=assignment.name) as progress:
        inputs = TrainingInputs(recipe, faces, split)
        run = RunDir(Path(assignment.run))
        try:
            fit(inputs, run, resume=True, on_step=progress.step, on_epoch=progress.epoch)
        except RunDamaged as error:  # this run's own trouble: the parent goes on with others
            raise CheckFailed(str(error)) from None


def _leave_with_parent(orders: IO[bytes]) -> None:
    orders.read()  # Returns when the parent closes the pipe, which the system does however the parent ends.
    os._exit(1)


if __name__ == "__main__":
    # Unbuffered: an interpreter that ends while a thread reads from a buffered stream aborts.
    with open(0, "rb", buffering=0, closefd=False) as _orders:
        run_app(lambda: main(_orders), extra="train")
