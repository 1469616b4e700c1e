"""Measuring what corruptions cost."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from tests.train.faces import bright_halves
from tests.train.predicting import brighter_half, predictor
from train.measure.corruptions import CORRUPTIONS, Corruption
from train.measure.plots import plot_robustness
from train.measure.robustness import (
    CorruptionScore,
    Robustness,
    compare_losses,
    mean_loss,
    measure_robustness,
    to_markdown,
)

FACES = bright_halves(40)
LABELS = FACES.classes
MIRROR = Corruption("mirror", "whole", lambda face, _: face[:, ::-1])
NOTHING = Corruption("nothing", "at all", lambda face, _: face)


def test_accuracy_is_measured_on_the_corrupted_faces() -> None:
    (measured,) = measure_robustness([predictor(brighter_half, labels=LABELS)], FACES, corruptions=(MIRROR, NOTHING))

    assert (measured.faces, measured.clean) == (40, 1.0)
    assert [(one.kind, one.accuracy) for one in measured.corrupted] == [("mirror", 0.0), ("nothing", 1.0)]
    assert measured.mean_loss == 0.5


def test_each_kind_counts_once_however_many_strengths_it_has() -> None:
    shares = (("a", 0.5), ("a", 0.3), ("b", 0.8))
    scores = [CorruptionScore(kind=kind, strength="", accuracy=share) for kind, share in shares]
    assert mean_loss(0.8, scores) == pytest.approx(((0.3 + 0.5) / 2 + 0.0) / 2)


def test_models_are_shown_the_very_same_faces() -> None:
    shown: list[list[np.uint64]] = [[], []]

    def remember(which: int) -> object:
        def logits(images: np.ndarray) -> np.ndarray:
            shown[which].append(images.sum(dtype=np.uint64))
            return brighter_half(images)

        return logits

    predictors = [predictor(remember(which), labels=LABELS) for which in (0, 1)]  # type: ignore[arg-type]
    measure_robustness(predictors, FACES, seed=5)
    assert shown[0] == shown[1]
    assert len(shown[0]) == len(CORRUPTIONS) + 1


def test_a_table_shows_every_corruption_and_who_loses_more() -> None:
    steady = predictor(lambda images: brighter_half(np.maximum(images, images[:, :, ::-1])), labels=LABELS)
    measured = measure_robustness(
        [steady, predictor(brighter_half, labels=LABELS)], FACES, corruptions=(MIRROR, NOTHING)
    )

    text = to_markdown(measured)

    assert "| mirror" in text
    assert "0.0% (-100.0)" in text
    assert "| mean change" in text
    assert "made loses 0.0 points and made 50.0: 0% of that." in compare_losses(measured)


def test_a_plot_is_drawn(tmp_path: Path) -> None:
    plot_robustness(
        measure_robustness([predictor(brighter_half, labels=LABELS)], FACES, corruptions=(MIRROR,)),
        tmp_path / "plot.png",
    )
    assert (tmp_path / "plot.png").stat().st_size > 5000


def test_models_of_the_same_name_are_told_apart_by_their_identity() -> None:
    one = Robustness(model="1" * 12, name="edge, int8", faces=9, seed=0, clean=0.9, corrupted=(), mean_loss=0.1)
    other = msgspec.structs.replace(one, model="2" * 12, mean_loss=0.2)
    assert "| edge, int8 (111111111111) | edge, int8 (222222222222) |" in to_markdown([one, other])
    assert "edge, int8 (111111111111) loses 10.0 points and edge, int8 (222222222222) 20.0" in compare_losses(
        [one, other]
    )
    third = msgspec.structs.replace(other, name="paper-4, int8")
    assert "edge, int8 loses 10.0 points and paper-4, int8 20.0" in compare_losses([one, third])
