"""What an answer is worth: of the faces that the agent calls angry, how many are labelled angry."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np

from edge_agent.config import SmoothingSettings
from edge_agent.model_format.priors import DEFAULT_PRIOR
from edge_agent.vision.readability import crop_trouble
from train.data.dataset import FaceSet
from train.measure.corruptions import CORRUPTIONS
from train.measure.predictors import Predictor

_HARD = (("mask", "mouth and nose covered"), ("small face", "16 px"), ("darkness", "15% of the light"))
"""Kinds and strengths of corruption that stand in the opening of a model card."""


class AnswerPrecision(msgspec.Struct, frozen=True, kw_only=True):
    """The answers on one set of faces, single images, at the agent's default floor and prior.

    Attributes:
        faces: What the faces are, for a report.
        images: How many there are.
        called: How many are called by each label; the rest get no answer.
        right: How many of these are labelled so.
        there: How many faces are labelled so, whatever they are called; empty in older measurements.
    """

    faces: str
    images: int
    called: dict[str, int]
    right: dict[str, int]
    there: dict[str, int] = {}

    @property
    def answered(self) -> float:
        """Share of the faces that get an answer."""
        return sum(self.called.values()) / self.images

    @property
    def correct(self) -> float | None:
        """Share of the answers that is right; None where there is none."""
        called = sum(self.called.values())
        return sum(self.right.values()) / called if called else None


def measure_answers(predictor: Predictor, faces: FaceSet, name: str) -> AnswerPrecision:
    """Count what a model calls faces, and how often their labels say the same.

    Faces that the agent would not read, because their crop is too dark or too flat, get no answer here either.

    Args:
        predictor: The model.
        faces: Labelled faces. A label that the model lacks counts as wrong, whatever the answer.
        name: What they are, for a report.
    """
    expected = predictor.expected(faces)
    probabilities = predictor.predict(faces.images, DEFAULT_PRIOR)
    unreadable = np.array([crop_trouble(crop) is not None for crop in faces.images], np.bool_)
    answered = (probabilities.max(axis=1) >= SmoothingSettings().uncertain_below) & ~unreadable
    given = np.where(answered, probabilities.argmax(axis=1), -1)
    columns_of = dict(enumerate(predictor.labels))
    return AnswerPrecision(
        faces=name,
        images=len(faces),
        called={label: int((given == column).sum()) for column, label in columns_of.items()},
        right={label: int(((given == column) & (expected == column)).sum()) for column, label in columns_of.items()},
        there={label: int((expected == column).sum()) for column, label in columns_of.items()},
    )


def measure_hard_answers(predictor: Predictor, faces: FaceSet) -> tuple[AnswerPrecision, ...]:
    """The same with mouth and nose covered, for small faces, and in the dark; all simulated."""
    changes = {(one.kind, one.strength): one for one in CORRUPTIONS}
    return tuple(
        measure_answers(predictor, replace(faces, images=changes[hard].apply(faces.images)), ", ".join(hard))
        for hard in _HARD
    )
