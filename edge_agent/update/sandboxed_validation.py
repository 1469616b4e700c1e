"""May a candidate, a published bundle, replace the present model? All checks before it classifies a first face.

It runs in a child process first: one that crashes or takes too much memory does not take the agent with it. The child
runs the golden faces through the device's own runtime, alone and as a batch. It measures how long a face takes, in
turns with the present model.
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
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge_agent.config import ClassifierSettings
from edge_agent.errors import AgentError, CheckFailed, ConfigError, ModelError
from edge_agent.model_format.bundle import Bundle, read_bundle
from edge_agent.model_format.golden_check import check_golden, golden_faces
from edge_agent.protocol.model_manifest import ModelManifest
from edge_agent.vision.classifier import BUNDLED_MODEL, Classifier

_WITHIN_S: Final = 300.0
_MAX_ROUNDS: Final = 12
_MIN_ROUNDS: Final = 3
_MEASURE_S: Final = 2.0
"""Processor time after which a slow model has been measured often enough."""
_BATCH: Final = 8
_NICE: Final = 5
_MEMORY_BYTES: Final = 512 * 1024 * 1024
"""What the child may allocate: the service has 600 MB for everything."""
_NEGLIGIBLE_MS: Final = 0.1
"""A model that takes next to no time is never too slow."""


@dataclass(frozen=True, slots=True)
class Validation:
    """What a validation measured.

    Attributes:
        steps: The largest difference from a recorded answer, in steps of the output.
        face_ms: Milliseconds of processor time a face takes.
        present_ms: The same with the present model.
    """

    steps: float
    face_ms: float
    present_ms: float


def approve(
    path: Path,
    manifest: ModelManifest,
    present: Classifier,
    present_path: Path | None,
    settings: ClassifierSettings,
    cancelled: Callable[[], bool],
) -> tuple[Classifier, Validation] | None:
    """The candidate as a model that is ready to use, and what its validation measured; ``None`` where cancelled.

    Args:
        path: The candidate, known to be the bundle that was signed.
        manifest: What it was published with.
        present: The model in use.
        present_path: Its bundle; ``None`` for the one that came with the agent.
        settings: Runtime, threads and prior.
        cancelled: Asked during the validation.

    Raises:
        ModelError: It is no bundle, or cannot be run.
        CheckFailed: It does not fit, answers otherwise than recorded, or takes too long.
        TimeoutError: Its validation did not come to an end.
    """
    bundle = read_bundle(path)
    _check_labels(bundle, manifest, present)
    found = validate_in_sandbox(path, present_path, settings, cancelled)
    if found is None:
        return None
    _check_time(found, manifest)
    try:
        return Classifier(bundle, runtime=present.runtime, threads=settings.threads, prior=settings.prior), found
    except ConfigError as error:
        raise CheckFailed(f"its labels do not fit the settings: {error}") from None


def validate_in_sandbox(
    path: Path, present: Path | None, settings: ClassifierSettings, cancelled: Callable[[], bool] = lambda: False
) -> Validation | None:
    """Validate a candidate in a child process.

    Args:
        path: The candidate.
        present: The bundle in use; ``None`` for the one that came with the agent.
        settings: Runtime and threads.
        cancelled: Asked from the start and while waiting; makes the answer ``None``.

    Raises:
        CheckFailed: The candidate cannot be used, and why.
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
                raise TimeoutError(f"the validation of the model did not end within {_WITHIN_S:g} s")
    finally:
        if child.poll() is None:
            child.kill()
            child.communicate()
    return _read(child.returncode, out, err)


def measure(new: Classifier, present: Classifier, faces: NDArray[np.uint8]) -> tuple[float, float]:
    """Milliseconds of processor time a face with each of two models.

    It is the best of some rounds taken in turns, so that other work of the machine counts for neither.

    Args:
        new: The candidate.
        present: The present model.
        faces: ``uint8 (N, 48, 48, C)``, with the channels of ``new``.
    """
    ours = np.resize(faces, (_BATCH, *faces.shape[1:]))
    theirs = ours if present.channels == new.channels else _as_channels(ours, present.channels)
    best = [float("inf"), float("inf")]
    until_s = time.process_time() + _MEASURE_S
    for number in range(_MAX_ROUNDS):
        if number >= _MIN_ROUNDS and time.process_time() > until_s:
            break
        for index, (classifier, batch) in enumerate(((new, ours), (present, theirs))):
            began = time.process_time()
            classifier.predict(batch)
            best[index] = min(best[index], (time.process_time() - began) * 1000 / _BATCH)
    return best[0], best[1]


def examine(bundle: Bundle, present: Bundle, runtime: str, threads: int) -> Validation:
    """Run the golden faces and measure, in this process.

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
    return Validation(steps=round(steps, 3), face_ms=round(face_ms, 4), present_ms=round(present_ms, 4))


def _check_labels(bundle: Bundle, manifest: ModelManifest, present: Classifier) -> None:
    labels = bundle.metadata.labels
    # Their order, too: a wrong order makes a model that names every face wrongly, with golden answers to match.
    if tuple(labels) != tuple(present.labels) and not manifest.new_labels:
        raise CheckFailed(
            "its labels",
            received=", ".join(labels),
            expected=", ".join(present.labels),
            remedy="To change them, publish it with --new-labels",
        )


def _check_time(found: Validation, manifest: ModelManifest) -> None:
    allowed = manifest.max_slowdown * found.present_ms + _NEGLIGIBLE_MS
    if found.face_ms > allowed:
        raise CheckFailed(
            "its time for a face",
            received=f"{found.face_ms:.2f} ms",
            expected=f"at most {allowed:.2f} ms, {manifest.max_slowdown:g} times the present model's",
            remedy="If that is meant, publish it with a greater --max-slowdown",
        )


def _as_channels(faces: NDArray[np.uint8], channels: int) -> NDArray[np.uint8]:
    return np.repeat(faces[..., :1], channels, axis=-1)


def _read(code: int, out: bytes, err: bytes) -> Validation:
    if code == 0:
        return Validation(**json.loads(out))
    if code == CheckFailed.exit_code and out:
        raise CheckFailed(json.loads(out)["reason"])
    if code < 0:
        raise CheckFailed(f"its validation was ended by {signal.Signals(-code).name}")
    last = err.decode(errors="replace").strip().splitlines()[-1:] or [f"exit code {code}"]
    raise CheckFailed(f"its validation failed: {last[0]}")


def _limit_resources() -> None:
    """Leave processor and memory to the agent, as far as the service lets this process change its limits."""
    with contextlib.suppress(OSError):
        os.nice(_NICE)
    for limit, maximum in ((resource.RLIMIT_DATA, _MEMORY_BYTES), (resource.RLIMIT_CORE, 0)):
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(limit, (maximum, maximum))


def _main(new: str, present: str, runtime: str, threads: str) -> int:
    _limit_resources()
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
