"""Warm-start check: how a training that starts from a bundle starts, compared with the bundle itself."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np

from edge_agent.errors import InputError
from edge_agent.model_format.bundle import read_bundle
from train.common.table import table
from train.data import load
from train.data.label_map import NO_LABEL_MAP, LabelMap
from train.data.splits import make_split
from train.fit.weights_from_tflite import model_from_tflite
from train.measure.predictors import held_out_faces, open_predictor
from train.models.batch_statistics import predict_with_batch_statistics
from train.models.inference import predict_logits

BATCH = 128
"""Faces that are normalised together where training's normalisation is measured; the recipes' usual batch."""


class WarmStartCheck(msgspec.Struct, frozen=True, kw_only=True):
    """One bundle and the network recovered from it, on held-out faces; shares from 0 to 1.

    Attributes:
        name: The bundle's name in reports.
        model: Its identity, 12 hex digits.
        images: Number of held-out faces.
        bundle: Accuracy of the bundle.
        recovered: Accuracy of the recovered network, before any training.
        in_batches: The same, normalised by batches of ``BATCH`` as in training.
        agreement: Share of faces to which the bundle and the recovered network give the same label.
        agreement_in_batches: The same for the network normalised by batches.
    """

    name: str
    model: str
    images: int
    bundle: float
    recovered: float
    in_batches: float
    agreement: float
    agreement_in_batches: float


def check_warm_start(path: Path, data: Path, label_map: LabelMap = NO_LABEL_MAP) -> WarmStartCheck:
    """Recover a bundle's weights on the training part of a data set, and measure them on the validation part.

    Args:
        path: The bundle.
        data: A data set with the bundle's labels.
        label_map: What the data's class names mean.

    Raises:
        InputError: The data do not fit the bundle or have no training part.
        ModelError: The bundle cannot be used, or its weights cannot be recovered.
    """
    predictor = open_predictor(path)
    held_out = held_out_faces(data, (predictor,), label_map)
    faces = load(data, channels=predictor.channels, label_map=label_map)
    training = make_split(faces, predictor.protocol).train
    if len(training) == 0:
        raise InputError(f"the training part of {predictor.protocol}", received="no images", expected="some")
    model = model_from_tflite(read_bundle(path), faces.images[training])
    labels = predictor.logits(held_out.images).argmax(axis=1)
    recovered = predict_logits(model, held_out.images).argmax(axis=1)
    in_batches = predict_with_batch_statistics(model, held_out.images, BATCH).argmax(axis=1)
    truth = held_out.labels
    return WarmStartCheck(
        name=predictor.name,
        model=predictor.identity,
        images=len(truth),
        bundle=float(np.mean(labels == truth)),
        recovered=float(np.mean(recovered == truth)),
        in_batches=float(np.mean(in_batches == truth)),
        agreement=float(np.mean(recovered == labels)),
        agreement_in_batches=float(np.mean(in_batches == labels)),
    )


def to_markdown(found: WarmStartCheck) -> str:
    """A table in Markdown."""
    return table(
        [f"{found.name} ({found.model}), {found.images:,} faces", "accuracy", "same label as the bundle"],
        [
            ["the bundle", f"{found.bundle:.1%}", ""],
            ["read back, before any training", f"{found.recovered:.1%}", f"{found.agreement:.1%}"],
            [
                f"the same, normalised by batches of {BATCH} as training does",
                f"{found.in_batches:.1%}",
                f"{found.agreement_in_batches:.1%}",
            ],
        ],
    )
