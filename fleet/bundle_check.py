"""Is a bundle one that devices would take? Most of what they check can be checked before it is published.

This alone of the school's tools runs a model, and needs the libraries of a device for it.
"""

from __future__ import annotations

from pathlib import Path

from edge_agent.errors import CheckFailed, InputError
from edge_agent.model_format.accuracy import check_accuracy
from edge_agent.model_format.bundle import Bundle, read_bundle, unpack_bundle
from edge_agent.model_format.golden_check import check_golden, golden_faces
from edge_agent.protocol.model_manifest import MAX_BUNDLE_BYTES
from edge_agent.vision.classifier import BUNDLED_MODEL, Classifier


def check_bundle(content: bytes, source: str) -> Bundle:
    """Unpack a bundle and check it as a device would.

    Args:
        content: The bundle.
        source: Where it comes from, for error messages.

    Raises:
        ModelError: It is broken, or cannot be run here.
        CheckFailed: Its golden faces are missing, or their answers differ from those recorded.
        InputError: It is too large.
    """
    bundle = unpack_bundle(content, source)
    if len(content) > MAX_BUNDLE_BYTES:
        raise InputError(source, received=f"{len(content):,} bytes", expected=f"at most {MAX_BUNDLE_BYTES:,}")
    if bundle.golden is None:
        raise CheckFailed(
            f"{source} has no golden faces, so no device would take it",
            remedy=f"Add them: python -m export golden {source} --out FILE",
        )
    check_golden(bundle.golden, Classifier(bundle).logits(golden_faces(bundle.golden)), bundle.output_step)
    return bundle


def compare_with_present(bundle: Bundle, present: Path | None, *, force: bool) -> str:
    """Refuse a bundle whose recorded accuracy is worse than that of the model in use.

    Args:
        bundle: The new one.
        present: That in use; ``None`` for the one that comes with the agent.
        force: Take it all the same.

    Returns:
        The result in a sentence; empty where both are the same file.

    Raises:
        ModelError: The present one cannot be read.
        CheckFailed: The new one is worse beyond chance.
    """
    in_use = read_bundle(present or BUNDLED_MODEL)
    if in_use.sha256 == bundle.sha256:
        return ""
    found = check_accuracy(bundle.metadata, in_use.metadata, force=force)
    return f"{found[:1].upper()}{found[1:]}."
