"""Bundles that devices take: small TFLite models with golden faces, some of them slow or of other labels."""

from __future__ import annotations

from functools import cache

import numpy as np
from msgspec.structs import replace

from edge_agent.model_format import labels
from edge_agent.model_format.bundle import pack_bundle, read_bundle, unpack_bundle
from edge_agent.vision.classifier import BUNDLED_MODEL
from export.golden import record_golden
from tests.support.tflite_models import dense_model, dense_weights, metadata

OTHER_LABELS = ("calm", *labels.FER2013[1:])


@cache
def edge_bundle(note: str = "") -> bytes:
    """The bundled model with golden faces; another note makes it another bundle."""
    bundle = read_bundle(BUNDLED_MODEL)
    facts = replace(bundle.metadata, note=note)
    return pack_bundle(bundle.flatbuffer, facts, record_golden(bundle))


@cache
def dense_bundle(
    seed: int = 3,
    names: tuple[str, ...] = labels.FER2013,
    slow: int = 0,
    fails_for: tuple[int, ...] = (),
    prior: tuple[float, ...] = (),
) -> bytes:
    """A small model. ``slow`` superfluous operations make it slow, and batches of a size in ``fails_for`` fail.

    It states the shares of its training where ``prior`` has one for each label.
    """
    flatbuffer = dense_model(dense_weights(outputs=len(names), seed=seed), slow=slow, fails_for=fails_for)
    facts = metadata(name=f"dense-{seed}", labels=names, prior=dict(zip(names, prior, strict=False)))
    return pack_bundle(flatbuffer, facts, record_golden(unpack_bundle(pack_bundle(flatbuffer, facts), "dense")))


def with_wrong_answers(content: bytes) -> bytes:
    """The same bundle, but for its recorded answers."""
    bundle = unpack_bundle(content, "it")
    assert bundle.golden is not None
    wrong = tuple(tuple(float(value) for value in row) for row in np.asarray(bundle.golden.logits)[:, ::-1])
    return pack_bundle(bundle.flatbuffer, bundle.metadata, replace(bundle.golden, logits=wrong))
