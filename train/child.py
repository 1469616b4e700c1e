"""One training in a process of its own.

Backends keep compiled functions, memory and settings for as long as their process lives, and some, such as asking
TensorFlow for deterministic operations, cannot be taken back. A queue of trainings therefore gives each a fresh
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
from typing import IO

import msgspec

from edge_agent.command_line import run_app
from edge_agent.errors import InputError
from train.recipe import Recipe


class Assignment(msgspec.Struct, frozen=True, kw_only=True):
    """What to train.

    Attributes:
        recipe: Every setting; its ``protocol`` splits the data.
        data: Path of the data set.
        run: The run directory: made, continued, or left alone where it is finished.
        needs_gpu: Whether to refuse to train on the processor alone.
    """

    recipe: Recipe
    data: str
    run: str
    needs_gpu: bool = False


def device_environment(device: str) -> dict[str, str]:
    """Variables that keep a backend to a device: ``auto``, ``cpu``, ``gpu``, or ``gpu:1`` for the second one.

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


def train_in_child(assignment: Assignment, environment: Mapping[str, str] | None = None) -> int:
    """Train in a new process, which shows its progress on this one's standard error and ends when this one does.

    Args:
        assignment: What to train.
        environment: Variables to set for the process, beyond this one's.

    Returns:
        Its exit status: 0 when the run is finished, an error's exit code, or the negative number of a signal.
    """
    command = [sys.executable, "-m", "train.child"]
    # In a session of its own, so that Ctrl-C reaches this process alone, which then ends the child without a traceback.
    child = subprocess.Popen(
        command, stdin=subprocess.PIPE, env={**os.environ, **(environment or {})}, start_new_session=True
    )
    assert child.stdin is not None
    try:
        # It may die before it reads, which its status tells.
        with suppress(BrokenPipeError):
            child.stdin.write(msgspec.json.encode(assignment) + b"\n")
            child.stdin.flush()
        return child.wait()
    finally:
        child.terminate()
        child.wait()
        with suppress(BrokenPipeError):
            child.stdin.close()


def main(orders: IO[bytes]) -> None:
    """Train what the first line of ``orders`` says; leave at once when the stream ends before that is done."""
    assignment = msgspec.json.decode(orders.readline(), type=Assignment)
    threading.Thread(target=_leave_with_parent, args=(orders,), daemon=True).start()

    from train.data import load
    from train.data.splits import make_split

    recipe = assignment.recipe
    faces = load(Path(assignment.data), channels=recipe.channels)
    split = make_split(faces, recipe.protocol)

    # What imports a backend comes after what may be refused without one.
    from train.machine import accelerators
    from train.progress import show_progress
    from train.run_dir import RunDir
    from train.trainer import fit

    if assignment.needs_gpu and not accelerators():
        raise InputError("device", received="no GPU that the backend can use", expected="one",
                         remedy="Install the backend with GPU support, or choose --device cpu")  # fmt: skip
    with show_progress(recipe.epochs) as progress:
        fit(recipe, faces, split, RunDir(Path(assignment.run)), resume=True,
            on_step=progress.step, on_epoch=progress.epoch)  # fmt: skip


def _leave_with_parent(orders: IO[bytes]) -> None:
    orders.read()  # Gives back when the parent closes the pipe, which the system does however the parent ends.
    os._exit(1)


if __name__ == "__main__":
    # Unbuffered: an interpreter that ends while a thread reads from a buffered stream aborts.
    with open(0, "rb", buffering=0, closefd=False) as _orders:
        run_app(lambda: main(_orders))
