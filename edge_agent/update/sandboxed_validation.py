"""Trying a bundle before it is used: in a process of its own, so that one that crashes or swells takes nothing with it.

The child runs the golden faces through the device's own runtime, alone and as a batch, and measures how long a face
takes, in turns with the model that is in use.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_agent.config import ClassifierSettings
from edge_agent.errors import AgentError, CheckFailed, ModelError
from edge_agent.model_format.bundle import Bundle, read_bundle
from edge_agent.model_format.golden_check import check_golden, golden_faces
from edge_agent.vision.classifier import BUNDLED_MODEL, Classifier

_WITHIN_S = 300.0
_ROUNDS, _LEAST_ROUNDS = 12, 3
_MEASURE_S = 2.0
"""Processor time after which a slow model has been measured often enough."""
_BATCH = 8
_NICE = 5
_MEMORY_BYTES = 512 * 1024 * 1024
"""What the child may allocate: the service has 600 MB for everything."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What a trial found.

    Attributes:
        steps: The largest difference from a recorded answer, in steps of the output.
        face_ms: Milliseconds of processor time a face takes.
        present_ms: The same with the model in use.
    """

    steps: float
    face_ms: float
    present_ms: float


def try_bundle(
    path: Path, present: Path | None, settings: ClassifierSettings, cancelled: Callable[[], bool] = lambda: False
) -> Trial | None:
    """Try a bundle in a child process.

    Args:
        path: The new bundle.
        present: The one in use; ``None`` for the one that came with the agent.
        settings: Runtime and threads.
        cancelled: Asked from the start and while waiting; makes the answer ``None``.

    Raises:
        CheckFailed: The bundle is no good, and why.
        TimeoutError: The child did not come to an end.
    """
    command = [
        sys.executable,
        "-m",
        "edge_agent.update.sandboxed_validation",
        str(path),
        str(present or BUNDLED_MODEL),
        settings.runtime,
        str(settings.threads),
    ]
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    deadline = time.monotonic() + _WITHIN_S
    try:
        while True:
            if cancelled():
                return None
            with contextlib.suppress(subprocess.TimeoutExpired):
                out, err = child.communicate(timeout=0.25)
                break
            if time.monotonic() > deadline:
                raise TimeoutError(f"the trial of the model did not end within {_WITHIN_S:g} s")
    finally:
        if child.poll() is None:
            child.kill()
            child.communicate()
    return _read(child.returncode, out, err)


def measure(new: Classifier, present: Classifier, faces: NDArray[np.uint8]) -> tuple[float, float]:
    """Milliseconds of processor time a face with each of two models: the best of some rounds taken in turns, so that
    what else the machine does counts for neither.

    Args:
        new: One of them.
        present: The other.
        faces: ``uint8 (N, 48, 48, C)`` for ``new``.
    """
    ours = np.resize(faces, (_BATCH, *faces.shape[1:]))
    theirs = ours if present.channels == new.channels else _as_channels(ours, present.channels)
    best = [float("inf"), float("inf")]
    until_s = time.process_time() + _MEASURE_S
    for number in range(_ROUNDS):
        if number >= _LEAST_ROUNDS and time.process_time() > until_s:
            break
        for index, (classifier, batch) in enumerate(((new, ours), (present, theirs))):
            began = time.process_time()
            classifier.predict(batch)
            best[index] = min(best[index], (time.process_time() - began) * 1000 / _BATCH)
    return best[0], best[1]


def examine(bundle: Bundle, present: Bundle, runtime: str, threads: int) -> Trial:
    """Run the golden faces and measure, in this very process.

    Raises:
        CheckFailed: There are no golden faces, or an answer is too far from the recorded one.
        ModelError: A model cannot be run.
    """
    golden = bundle.golden
    if golden is None:
        raise CheckFailed("the bundle has no golden faces", remedy="Add them with `python -m export golden`")
    old = Classifier(present, runtime=runtime, threads=threads)
    new = Classifier(bundle, runtime=old.runtime, threads=threads)
    faces = golden_faces(golden)
    alone = np.concatenate([new.logits(face[None]) for face in faces])
    steps = max(check_golden(golden, logits, bundle.output_step) for logits in (alone, new.logits(faces)))
    face_ms, present_ms = measure(new, old, faces)
    return Trial(steps=round(steps, 3), face_ms=round(face_ms, 4), present_ms=round(present_ms, 4))


def _as_channels(faces: NDArray[np.uint8], channels: int) -> NDArray[np.uint8]:
    return np.repeat(faces[..., :1], channels, axis=-1)


def _read(code: int, out: bytes, err: bytes) -> Trial:
    if code == 0:
        return Trial(**json.loads(out))
    if code == CheckFailed.exit_code and out:
        raise CheckFailed(json.loads(out)["reason"])
    if code < 0:
        raise CheckFailed(f"its trial was ended by {signal.Signals(-code).name}")
    last = err.decode(errors="replace").strip().splitlines()[-1:] or [f"exit code {code}"]
    raise CheckFailed(f"its trial failed: {last[0]}")


def _be_modest() -> None:
    """Leave processor and memory to the lesson, as far as the service's own limits let a process say so."""
    with contextlib.suppress(OSError):
        os.nice(_NICE)
    for limit, most in ((resource.RLIMIT_DATA, _MEMORY_BYTES), (resource.RLIMIT_CORE, 0)):
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(limit, (most, most))


def _main(new: str, present: str, runtime: str, threads: str) -> int:
    _be_modest()
    try:
        found = asdict(examine(read_bundle(new), read_bundle(present), runtime, int(threads)))
    except (AgentError, ModelError) as error:
        found = {"reason": str(error)}
    except (RuntimeError, ValueError, MemoryError) as error:  # what interpreters raise on models they cannot run
        found = {"reason": f"it cannot be run: {str(error) or type(error).__name__}"}
    sys.stdout.write(json.dumps(found))
    return CheckFailed.exit_code if "reason" in found else 0


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
