"""A model against FER+'s ten annotators (Barsoum et al. 2016), whose votes show how clear each face is."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge_agent.errors import InputError
from edge_agent.model_format.labels import FER_PLUS
from train.common.table import table
from train.data.dataset import FaceSet
from train.data.ferplus import VOTES_FOR, Votes
from train.measure.evaluate import wilson_interval
from train.measure.predictors import Predictor

AGREEMENT_EDGES = (0.0, 0.5, 0.7, 0.9, 1.0)
"""Bins of agreement, the share of all votes that went to the commonest choice: over the lower, up to the upper edge."""


class AgreementBin(msgspec.Struct, frozen=True, kw_only=True):
    """Faces by how far annotators agree about them, over ``low`` and up to ``high``; shares from 0 to 1.

    Attributes:
        low: Lower edge of the share of votes for the commonest choice.
        high: Upper edge.
        images: How many.
        accuracy: Share on which the model answers what most annotators chose; 0 where there are no images.
        of_labels: The same for FER2013's own label.
    """

    low: float
    high: float
    images: int
    accuracy: float
    of_labels: float


class AnnotatorAgreement(msgspec.Struct, frozen=True, kw_only=True):
    """A model against the votes; shares from 0 to 1.

    Attributes:
        model: Its identity, 12 hex digits.
        name: What reports call it.
        images: Faces whose single commonest choice is a label of the model.
        left_out: Other faces, by why: ``tie``, or the commonest choice that the model has no label for.
        accuracy: Share of ``images`` on which the model answers the commonest choice.
        interval: Wilson's 95 % interval of it.
        of_labels: The same for FER2013's own labels: how often they are the commonest choice.
        annotators: Mean share of the annotators' votes that go to the model's answer.
        annotators_at_best: What answering the commonest choice on every face would reach there.
        recall: Accuracy by commonest choice.
        by_agreement: Accuracy by how far annotators agree.
    """

    model: str
    name: str
    images: int
    left_out: dict[str, int]
    accuracy: float
    interval: tuple[float, float]
    of_labels: float
    annotators: float
    annotators_at_best: float
    recall: dict[str, float]
    by_agreement: tuple[AgreementBin, ...]


def measure_agreement(predictor: Predictor, faces: FaceSet, votes: Votes) -> AnnotatorAgreement:
    """Compare a model's answers with what annotators chose.

    Args:
        predictor: The model; its labels are the faces' classes.
        faces: FER2013's, none of which it was trained on.
        votes: On the same rows.

    Raises:
        InputError: No face has a commonest choice that the model has a label for, or FER+ has none of a label.
    """
    unknown = [label for label in predictor.labels if label not in FER_PLUS]
    if unknown:
        raise InputError(
            f"{predictor.name}: labels", received=", ".join(unknown), expected=f"some of {', '.join(FER_PLUS)}"
        )
    columns = np.array([VOTES_FOR.index(label) for label in predictor.labels])
    commonest = votes.counts.argmax(axis=1)
    tied = (votes.counts == votes.counts.max(axis=1, keepdims=True)).sum(axis=1) > 1
    kept = np.flatnonzero(~tied & np.isin(commonest, columns)).astype(np.int64)
    if len(kept) == 0:
        raise InputError(
            "FER+'s votes",
            received="no face most annotators give one of the model's labels",
            expected="some",
            remedy="Use a larger part of FER2013",
        )
    wanted = commonest[kept]
    answered = columns[predictor.logits(faces.images[kept]).argmax(axis=1)]
    labelled = columns[faces.labels[kept]]
    counts = votes.counts[kept]
    rows, total = np.arange(len(kept)), counts.sum(axis=1)
    hits = answered == wanted
    return AnnotatorAgreement(
        model=predictor.identity,
        name=predictor.name,
        images=len(kept),
        left_out=_left_out(tied, commonest, columns),
        accuracy=float(hits.mean()),
        interval=wilson_interval(int(hits.sum()), len(kept)),
        of_labels=float(np.mean(labelled == wanted)),
        annotators=float(np.mean(counts[rows, answered] / total)),
        annotators_at_best=float(np.mean(counts[rows, wanted] / total)),
        recall={VOTES_FOR[one]: float(hits[wanted == one].mean()) for one in columns if (wanted == one).any()},
        by_agreement=_by_agreement(votes.agreement()[kept], hits, labelled == wanted),
    )


def render(view: AnnotatorAgreement) -> str:
    """One model's answers against the votes as two tables."""
    low, high = view.interval
    left_out = ", ".join(f"{count:,} {why}" for why, count in view.left_out.items()) or "none"
    whole = [
        ["faces whose commonest choice the model can answer", f"{view.images:,}"],
        ["left out", left_out],
        ["commonest choice answered", f"{view.accuracy:.1%} (95 % interval {low:.1%} to {high:.1%})"],
        ["FER2013's own label is the commonest choice", f"{view.of_labels:.1%}"],
        [
            "annotators who chose what the model answers",
            f"{view.annotators:.1%} of at best {view.annotators_at_best:.1%}",
        ],
        *([f"recall, {label}", f"{share:.1%}"] for label, share in view.recall.items()),
    ]
    bins = [
        [f"over {one.low:.0%} to {one.high:.0%}", one.images, f"{one.accuracy:.1%}", f"{one.of_labels:.1%}"]
        for one in view.by_agreement
        if one.images
    ]
    header = ["annotators who agree", "faces", "commonest choice answered", "FER2013's label is the commonest choice"]
    return table([f"FER+ votes, {view.name}", "value"], whole) + "\n\n" + table(header, bins)


def _left_out(tied: NDArray[np.bool_], commonest: NDArray[np.int64], columns: NDArray[np.int64]) -> dict[str, int]:
    found = {"tie": int(tied.sum())}
    for choice, name in enumerate(VOTES_FOR):
        if choice not in columns:
            found[name] = int(((commonest == choice) & ~tied).sum())
    return {why: count for why, count in found.items() if count}


def _by_agreement(
    agreement: NDArray[np.float32], hits: NDArray[np.bool_], labelled: NDArray[np.bool_]
) -> tuple[AgreementBin, ...]:
    found = []
    for low, high in pairwise(AGREEMENT_EDGES):
        inside = (agreement > low + 1e-6) & (agreement <= high + 1e-6)
        some = bool(inside.any())
        found.append(
            AgreementBin(
                low=low,
                high=high,
                images=int(inside.sum()),
                accuracy=float(hits[inside].mean()) if some else 0.0,
                of_labels=float(labelled[inside].mean()) if some else 0.0,
            )
        )
    return tuple(found)
