"""Is a bundle one that devices would take? Most of what they check can be checked before it is published.

This alone of the school's tools runs a model, and needs the libraries of a device for it.
"""

from __future__ import annotations

from edge_agent.errors import CheckFailed, InputError
from edge_agent.model_format.bundle import Bundle, unpack_bundle
from edge_agent.model_format.golden_check import check_golden, golden_faces
from edge_agent.protocol.model_manifest import MAX_BUNDLE_BYTES
from edge_agent.vision.classifier import Classifier


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
