"""May a bundle take the place of the present model? Everything that is asked of it before it reads a face."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from edge_agent.config import ClassifierSettings
from edge_agent.errors import CheckFailed
from edge_agent.model_format.bundle import Bundle, read_bundle
from edge_agent.protocol.model_manifest import ModelManifest
from edge_agent.update.sandboxed_validation import Trial, try_bundle
from edge_agent.vision.classifier import Classifier

_LEAST_MS: Final = 0.1
"""Of two models that take next to no time neither is slow."""


def approve(
    path: Path,
    publication: ModelManifest,
    present: Classifier,
    present_path: Path | None,
    settings: ClassifierSettings,
    cancelled: Callable[[], bool],
) -> tuple[Classifier, Trial] | None:
    """The model, ready to read faces, and what its trial found; ``None`` where it was cancelled.

    Args:
        path: The bundle, of which it is known that it is the one that was signed.
        publication: What it was published with.
        present: The model in use.
        present_path: Its bundle; ``None`` for the one that came with the agent.
        settings: Runtime and threads.
        cancelled: Asked during the trial.

    Raises:
        ModelError: It is no bundle, or cannot be run.
        CheckFailed: It does not fit, answers otherwise than recorded, or takes too long.
        TimeoutError: Its trial did not come to an end.
    """
    bundle = read_bundle(path)
    _check_labels(bundle, publication, present)
    found = try_bundle(path, present_path, settings, cancelled)
    if found is None:
        return None
    _check_time(found, publication)
    return Classifier(bundle, runtime=present.runtime, threads=settings.threads), found


def _check_labels(bundle: Bundle, publication: ModelManifest, present: Classifier) -> None:
    labels = bundle.metadata.labels
    # Their order, too: a slip there makes a model that calls every face something else, with golden answers to match.
    if tuple(labels) != tuple(present.labels) and not publication.new_labels:
        raise CheckFailed(
            "its labels",
            received=", ".join(labels),
            expected=", ".join(present.labels),
            remedy="To change them, publish it with --new-labels",
        )


def _check_time(found: Trial, publication: ModelManifest) -> None:
    allowed = publication.max_slowdown * found.present_ms + _LEAST_MS
    if found.face_ms > allowed:
        raise CheckFailed(
            "its time for a face",
            received=f"{found.face_ms:.2f} ms",
            expected=f"at most {allowed:.2f} ms, {publication.max_slowdown:g} times the present model's",
            remedy="If that is meant, publish it with a greater --max-slowdown",
        )
