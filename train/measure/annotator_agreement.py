"""Agreement of a model with FER+'s ten annotators (Barsoum et al. 2016), whose votes show how clear each face is."""

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
"""Edges of the bins of agreement: the share of all votes that went to the commonest choice. A bin excludes its lower
edge and includes its upper one."""


class AgreementBin(msgspec.Struct, frozen=True, kw_only=True):
    """The faces on which annotators agree to some degree; shares from 0 to 1.

    Attributes:
        low: Lower edge of the share of votes for the commonest choice, itself excluded.
        high: Upper edge, itself included.
        images: Number of faces.
        accuracy: Share of them for which the model gives the commonest choice; 0 where there are no faces.
        label_accuracy: The same for FER2013's own label.
    """

    low: float
    high: float
    images: int
    accuracy: float
    label_accuracy: float = msgspec.field(name="of_labels")


class AnnotatorAgreement(msgspec.Struct, frozen=True, kw_only=True):
    """A model's agreement with the annotators; shares from 0 to 1.

    Attributes:
        model: Its identity, 12 hex digits.
        name: Its name in reports.
        images: Number of faces that have one commonest choice which is a label of the model.
        left_out: Number of other faces, by reason: ``tie``, or the commonest choice that is no label of the model.
        accuracy: Share of ``images`` for which the model gives the commonest choice.
        interval: Wilson's 95 % interval of it.
        label_accuracy: Share of ``images`` for which FER2013's own label is the commonest choice.
        vote_share: Mean share of the annotators' votes that went to the model's answer.
        max_vote_share: The same if the answer were the commonest choice for every face.
        recall: Accuracy by commonest choice.
        by_agreement: Accuracy by how far annotators agree.
    """

    model: str
    name: str
    images: int
    left_out: dict[str, int]
    accuracy: float
    interval: tuple[float, float]
    label_accuracy: float = msgspec.field(name="of_labels")
    vote_share: float = msgspec.field(name="annotators")
    max_vote_share: float = msgspec.field(name="annotators_at_best")
    recall: dict[str, float]
    by_agreement: tuple[AgreementBin, ...]


def measure_agreement(predictor: Predictor, faces: FaceSet, votes: Votes) -> AnnotatorAgreement:
    """Compare a model's answers with the choices of the annotators.

    Args:
        predictor: The model; its labels are the faces' classes.
        faces: FER2013's faces, none of which it was trained on.
        votes: The votes on the same rows.

    Raises:
        InputError: No face has a commonest choice that is a label of the model, or FER+ lacks one of its labels.
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
            received="no face whose commonest choice is one of the model's labels",
            expected="some",
            remedy="Use a larger part of FER2013",
        )
    expected = commonest[kept]
    answered = columns[predictor.logits(faces.images[kept]).argmax(axis=1)]
    labelled = columns[faces.labels[kept]]
    counts = votes.counts[kept]
    rows, total = np.arange(len(kept)), counts.sum(axis=1)
    hits = answered == expected
    return AnnotatorAgreement(
        model=predictor.identity,
        name=predictor.name,
        images=len(kept),
        left_out=_left_out(tied, commonest, columns),
        accuracy=float(hits.mean()),
        interval=wilson_interval(int(hits.sum()), len(kept)),
        label_accuracy=float(np.mean(labelled == expected)),
        vote_share=float(np.mean(counts[rows, answered] / total)),
        max_vote_share=float(np.mean(counts[rows, expected] / total)),
        recall={VOTES_FOR[one]: float(hits[expected == one].mean()) for one in columns if (expected == one).any()},
        by_agreement=_by_agreement(votes.agreement()[kept], hits, labelled == expected),
    )


def to_markdown(found: AnnotatorAgreement) -> str:
    """One model's agreement with the annotators as two tables."""
    low, high = found.interval
    left_out = ", ".join(f"{count:,} {reason}" for reason, count in found.left_out.items()) or "none"
    overall = [
        ["faces whose commonest choice is a label of the model", f"{found.images:,}"],
        ["left out", left_out],
        ["answers that are the commonest choice", f"{found.accuracy:.1%} (95 % interval {low:.1%} to {high:.1%})"],
        ["FER2013 labels that are the commonest choice", f"{found.label_accuracy:.1%}"],
        [
            "annotators who chose the model's answer, on average",
            f"{found.vote_share:.1%} (at most {found.max_vote_share:.1%})",
        ],
        *([f"recall, {label}", f"{share:.1%}"] for label, share in found.recall.items()),
    ]
    bins = [
        [f"over {one.low:.0%} to {one.high:.0%}", one.images, f"{one.accuracy:.1%}", f"{one.label_accuracy:.1%}"]
        for one in found.by_agreement
        if one.images
    ]
    header = ["annotators who agree", "faces", "answers that are the commonest choice", "FER2013 labels that are"]
    return table([f"FER+ votes, {found.name}", "value"], overall) + "\n\n" + table(header, bins)


def _left_out(tied: NDArray[np.bool_], commonest: NDArray[np.int64], columns: NDArray[np.int64]) -> dict[str, int]:
    found = {"tie": int(tied.sum())}
    for choice, name in enumerate(VOTES_FOR):
        if choice not in columns:
            found[name] = int(((commonest == choice) & ~tied).sum())
    return {reason: count for reason, count in found.items() if count}


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
                label_accuracy=float(labelled[inside].mean()) if some else 0.0,
            )
        )
    return tuple(found)
