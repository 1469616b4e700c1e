"""Plots: they show what they are given, and report what they cannot write."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import matplotlib as mpl
import numpy as np
import pytest
from numpy.typing import NDArray

from edge_agent.errors import InputError
from train.fit.run_record import EpochMetrics
from train.measure.evaluate import Evaluation, evaluate
from train.measure.plots import plot_confusion, plot_curves, plot_reliability


def scored(seed: int, classes: tuple[str, ...] = ("keen", "bored", "asleep")) -> Evaluation:
    rng = np.random.default_rng(seed)
    return evaluate(rng.dirichlet(np.ones(len(classes)), 60), rng.integers(0, len(classes), 60), classes)


def epochs(count: int) -> list[EpochMetrics]:
    return [
        EpochMetrics(
            epoch=number,
            loss=2 / (number + 1),
            accuracy=number / count,
            val_loss=1.0,
            val_accuracy=0.5,
            learning_rate=0.1,
            seconds=1.0,
        )
        for number in range(count)
    ]


def pixels(path: Path) -> NDArray[np.uint8]:
    image = cv2.imread(str(path))
    assert image is not None
    return image.astype(np.uint8)


@pytest.fixture
def readable_svg() -> Iterator[None]:
    """Text in SVG files as text, not as outlines."""
    with mpl.rc_context({"svg.fonttype": "none"}):
        yield


@pytest.mark.usefixtures("readable_svg")
def test_a_confusion_matrix_names_every_class_on_both_axes(tmp_path: Path) -> None:
    evaluation = scored(0)
    plot_confusion(evaluation, tmp_path / "confusion.svg", "Edge on PublicTest")
    text = (tmp_path / "confusion.svg").read_text()
    assert all(text.count(f">{name}<") == 2 for name in ("keen", "bored", "asleep"))
    assert all(f">{label}<" in text for label in ("Predicted", "Label", "Edge on PublicTest"))
    assert all(f">{count}<" in text for row in evaluation.confusion for count in row)


@pytest.mark.usefixtures("readable_svg")
def test_a_reliability_diagram_has_labelled_axes_and_its_error(tmp_path: Path) -> None:
    evaluation = scored(1)
    plot_reliability(evaluation, tmp_path / "reliability.svg")
    text = (tmp_path / "reliability.svg").read_text()
    assert all(f">{label}<" in text for label in ("Confidence", "Accuracy", "Predictions"))
    assert f"expected calibration error {evaluation.calibration_error:.1%}" in text


@pytest.mark.usefixtures("readable_svg")
def test_curves_show_training_beside_validation(tmp_path: Path) -> None:
    plot_curves(epochs(5), tmp_path / "curves.svg", "Model 3 on FER2013")
    text = (tmp_path / "curves.svg").read_text()
    assert all(text.count(f">{label}<") == 2 for label in ("Epoch", "training", "validation"))
    assert all(f">{label}<" in text for label in ("Accuracy", "Loss", "Model 3 on FER2013"))


def test_other_scores_make_another_diagram(tmp_path: Path) -> None:
    for seed in (0, 1):
        plot_reliability(scored(seed), tmp_path / f"{seed}.png")
    first, second = pixels(tmp_path / "0.png"), pixels(tmp_path / "1.png")
    assert first.shape != second.shape or np.any(first != second)


def test_a_training_of_one_epoch_can_be_drawn_into_a_new_folder(tmp_path: Path) -> None:
    plot_curves(epochs(1), tmp_path / "plots" / "curves.png")
    assert pixels(tmp_path / "plots" / "curves.png").std() > 5


def test_no_screen_and_no_global_state_is_touched(tmp_path: Path) -> None:
    before = "matplotlib.pyplot" in sys.modules
    plot_curves(epochs(2), tmp_path / "curves.png")
    assert ("matplotlib.pyplot" in sys.modules) == before


def test_no_epochs_is_reported(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no epochs"):
        plot_curves([], tmp_path / "curves.png")


def test_a_format_that_does_not_exist_is_reported(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"curves\.pixel: got .*expected a file that can be written"):
        plot_curves(epochs(2), tmp_path / "curves.pixel")


def test_a_path_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file, not a folder")
    with pytest.raises(InputError, match="taken"):
        plot_confusion(scored(0), tmp_path / "taken" / "confusion.png")
