"""Plots of trainings and evaluations, drawn without a screen. The file's suffix chooses the format: png, svg or pdf."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from edge_agent.errors import InputError
from edge_agent.files import check_place_for
from train.measure.evaluate import Evaluation

if TYPE_CHECKING:
    from train.fit.run_record import EpochMetrics
    from train.measure.calibration import Abstention
    from train.measure.robustness import Robustness

# Okabe and Ito's palette (2008), which colour-blind readers can tell apart; line styles repeat the difference.
_BLUE, _ORANGE, _GRAY = "#0072B2", "#D55E00", "#767676"


def plot_confusion(evaluation: Evaluation, path: Path, title: str = "Confusion matrix") -> None:
    """Draw labels against predictions: each cell has its share of the label's row, and the count below it.

    Raises:
        InputError: The file cannot be written.
    """
    names = [score.label for score in evaluation.classes]
    counts = np.array(evaluation.confusion)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = 2.6 + 0.75 * len(names)
    figure, (axes,) = _figure(1, width=side + 0.8, height=side)
    picture = axes.imshow(shares, cmap="cividis", vmin=0, vmax=1)
    for row, column in np.ndindex(*counts.shape):
        axes.text(
            column,
            row,
            f"{shares[row, column]:.0%}\n{counts[row, column]:,}",
            ha="center",
            va="center",
            fontsize=8,
            color="black" if shares[row, column] > 0.5 else "white",
        )
    axes.set_xticks(range(len(names)), names, rotation=40, ha="right")
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="Predicted", ylabel="Label", title=f"{title}\naccuracy {evaluation.accuracy:.1%}")
    figure.colorbar(picture, ax=axes, label="Share of the label's images", format=PercentFormatter(1.0), shrink=0.8)
    _save(figure, path)


def plot_reliability(evaluation: Evaluation, path: Path, title: str = "Reliability") -> None:
    """Draw accuracy against confidence by bin, and below it the number of predictions in each bin.

    Raises:
        InputError: The file cannot be written.
    """
    filled = [bin_ for bin_ in evaluation.calibration if bin_.count]
    figure, (upper, lower) = _figure(2, width=5.6, height=6.4, height_ratios=(3, 1))
    width = evaluation.calibration[0].high - evaluation.calibration[0].low
    middles = [(bin_.low + bin_.high) / 2 for bin_ in filled]
    upper.bar(middles, [bin_.accuracy for bin_ in filled], width * 0.92, color=_BLUE, label="one bin")
    upper.plot([0, 1], [0, 1], color=_GRAY, linestyle="--", label="ideal")
    upper.plot(
        [bin_.confidence for bin_ in filled],
        [bin_.accuracy for bin_ in filled],
        color=_ORANGE,
        marker="o",
        linestyle="none",
        clip_on=False,
        label="mean confidence in it",
    )
    upper.set(xlim=(0, 1), ylim=(0, 1), ylabel="Accuracy")
    upper.set_title(f"{title}\nexpected calibration error {evaluation.calibration_error:.1%}")
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    lower.bar(middles, [bin_.count for bin_ in filled], width * 0.92, color=_GRAY)
    lower.set(xlim=(0, 1), xlabel="Confidence", ylabel="Predictions")
    _save(figure, path)


def plot_curves(
    epochs: Sequence[EpochMetrics], path: Path, title: str = "Training", *, marks: Mapping[str, float] | None = None
) -> None:
    """Draw accuracy and loss over the epochs, for training and validation.

    Args:
        epochs: The metrics of each epoch.
        path: The file.
        title: The title above both panels.
        marks: Published values to compare with, drawn as crosses at the last epoch: ``accuracy``, ``loss``,
            ``val_accuracy`` and ``val_loss``.

    Raises:
        InputError: There are no epochs, or the file cannot be written.
    """
    if not epochs:
        raise InputError(str(path), received="no epochs", expected="one at least", remedy="Train first")
    numbers = [metrics.epoch + 1 for metrics in epochs]
    figure, panels = _figure(1, columns=2, width=10, height=4.2)
    for axes, what in zip(panels, ("accuracy", "loss"), strict=True):
        marker = "o" if len(numbers) == 1 else ""
        trained = [getattr(metrics, what) for metrics in epochs]
        validated = [getattr(metrics, f"val_{what}") for metrics in epochs]
        axes.plot(numbers, trained, color=_BLUE, linestyle="--", marker=marker, label="training")
        axes.plot(numbers, validated, color=_ORANGE, linestyle="-", marker=marker, label="validation")
        if marks:
            for name, colour in ((what, _BLUE), (f"val_{what}", _ORANGE)):
                label = "published, " + ("validation" if name.startswith("val_") else "training")
                axes.plot(
                    numbers[-1],
                    marks[name],
                    color=colour,
                    marker="X",
                    markersize=9,
                    linestyle="none",
                    markeredgecolor="black",
                    clip_on=False,
                    label=label,
                )
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.set(xlabel="Epoch", ylabel=what.capitalize())
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
    panels[0].yaxis.set_major_formatter(PercentFormatter(1.0))
    figure.suptitle(title)
    _save(figure, path)


def plot_runs(runs: Mapping[str, Sequence[EpochMetrics]], path: Path, title: str = "Validation") -> None:
    """Draw validation accuracy and loss of several runs over their epochs.

    Raises:
        InputError: No run has an epoch, or the file cannot be written.
    """
    started = {name: epochs for name, epochs in runs.items() if epochs}
    if not started:
        raise InputError(str(path), received="no epochs", expected="one at least", remedy="Train first")
    figure, panels = _figure(1, columns=2, width=10, height=4.2)
    styles = [(color, line) for line in ("-", "--", ":", "-.") for color in (_BLUE, _ORANGE, _GRAY)]
    for (name, epochs), (color, line) in zip(started.items(), cycle(styles), strict=False):
        numbers = [metrics.epoch + 1 for metrics in epochs]
        for axes, what in zip(panels, ("val_accuracy", "val_loss"), strict=True):
            values = [getattr(metrics, what) for metrics in epochs]
            axes.plot(numbers, values, color=color, linestyle=line, marker="o" if len(epochs) == 1 else "", label=name)
    for axes, label in zip(panels, ("Validation accuracy", "Validation loss"), strict=True):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.set(xlabel="Epoch", ylabel=label)
        axes.grid(alpha=0.3)
    panels[0].yaxis.set_major_formatter(PercentFormatter(1.0))
    panels[0].legend(frameon=False)
    figure.suptitle(title)
    _save(figure, path)


def plot_robustness(measured: Sequence[Robustness], path: Path, title: str = "Accuracy on corrupted faces") -> None:
    """Draw each model's accuracy under each corruption, and on the faces as they are.

    Raises:
        InputError: The file cannot be written.
    """
    names = [f"{one.kind}, {one.strength}" for one in measured[0].corrupted]
    figure, (axes,) = _figure(1, width=8, height=1.6 + 0.28 * len(names))
    for model, color, marker in zip(measured, cycle((_BLUE, _ORANGE, _GRAY)), cycle("osD^"), strict=False):
        axes.axvline(model.clean, color=color, linestyle="--", linewidth=1)
        axes.plot(
            [one.accuracy for one in model.corrupted],
            range(len(names)),
            color=color,
            marker=marker,
            linestyle="none",
            label=f"{model.name}: loses {100 * model.mean_loss:.1f} points on average",
        )
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.grid(axis="y", alpha=0.3)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set(xlim=(0, 1), xlabel="Accuracy; dashed: on the faces as they are", title=title)
    figure.legend(loc="outside lower center", frameon=False)
    _save(figure, path)


def plot_risk_coverage(
    curve: Sequence[Abstention], floor: float, path: Path, title: str = "Accuracy of the answers that are given"
) -> None:
    """Draw accuracy against the share of faces answered: one point for each floor of confidence, one of them marked.

    Raises:
        InputError: The file cannot be written.
    """
    given = [(point.coverage, point.accuracy, point.floor) for point in curve if point.accuracy is not None]
    figure, (axes,) = _figure(1, width=5.6, height=4.2)
    axes.plot([one[0] for one in given], [one[1] for one in given], color=_BLUE, marker="o")
    for coverage, accuracy, at in given:
        if abs(at - floor) < 1e-9:
            axes.plot(
                [coverage],
                [accuracy],
                color=_ORANGE,
                marker="D",
                markersize=9,
                linestyle="none",
                label=f"floor {floor:g}: {coverage:.1%} answered, {accuracy:.1%} of them right",
            )
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1.0))
    axes.set(xlabel="Faces answered", ylabel="Answers that are right", xlim=(0, 1.02), title=title)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, loc="lower left")
    _save(figure, path)


def _figure(
    rows: int, *, columns: int = 1, width: float, height: float, height_ratios: Sequence[float] | None = None
) -> tuple[Any, list[Any]]:
    """Make a figure that has its own canvas, so that it needs no global state and no screen."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(rows, columns, squeeze=False, height_ratios=height_ratios)
    return figure, list(panels.ravel())


def check_plot(path: Path) -> None:
    """Refuse a file that no plot can be written to, before minutes are spent on what it shows.

    Raises:
        InputError: It cannot be written, or its suffix is no format.
    """
    check_place_for(path, makes_folders=True)
    known = FigureCanvasAgg(Figure()).get_supported_filetypes()
    if path.suffix and path.suffix[1:].lower() not in known:
        raise _not_saved(path, f"the suffix {path.suffix}")


def _not_saved(path: Path, received: str) -> InputError:
    return InputError(str(path), received=received, expected="a file that can be written: .png, .svg, .pdf")


def _save(figure: Any, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=150)
    except (OSError, ValueError) as fault:  # no space, no permission, or no format of that suffix
        raise _not_saved(path, str(fault)) from fault
