"""Results as the Markdown page ``docs/reproduction.md``: a pure function, so that a test can compare both."""

from __future__ import annotations

from collections.abc import Sequence

from train.common.markdown import paragraph
from train.common.table import table
from train.reproduce.aggregate import Row, StatisticName, results_for, table_rows
from train.reproduce.choices import CHOICES
from train.reproduce.jobs import SUBJECT_FOLDS
from train.reproduce.leakage import SplitLeakage
from train.reproduce.paper import BASELINES, CURVES, PRINTED
from train.reproduce.results import Result, Results

_STATISTICS: dict[StatisticName, str] = {
    "accuracy": "accuracy",
    "loss": "loss",
    "val_accuracy": "validation accuracy",
    "val_loss": "validation loss",
}
_MISSING = "not yet trained"
_OPENING = """\
The eight networks of Kusno & Chowanda, *Modeling Emotion Recognition System from Facial Images Using Convolutional
Neural Networks*, CommIT Journal 18(2), 251-259, 2024, were trained again from the paper's text."""
_COMMAND = """\
```sh
python -m train reproduce all --data fer2013.csv --ckplus CK+48 --docs docs
```"""
_COMMAND_EFFECT = """\
This command trains what is missing and writes this page from [the results](reproduction/results.json). [The
tables](reproduction/tables.json) are there for programs too. A page is about one set of data. If your images are not
those of these results (for example because they include PrivateTest), leave out `--docs` or name a folder of your
own."""
_READING = """\
All values are those after the last epoch. *Accuracy* and *loss* are over the training images during that epoch, with
dropout active; *validation* is over held-out images. The difference is ours minus the paper's; for accuracies it is
in percentage points. The interval is Wilson's 95 % interval. It exists for accuracies only, so losses have none. It
assumes independent images. CK+ has three frames of each recording, so its true intervals are wider. The interval
does not include the differences between trainings. Where there are several trainings, their standard deviation
follows a ±."""
_CKPLUS = """\
CK+ is used twice. On the paper's split, a third of each class is held out by image. On the subject-independent
split, no person is on both sides. CK+48 has three nearly equal frames of each recording. So the paper's split mostly
tests whether a frame is known already. The last two rows show how much. Trainings with different seeds hold out much
the same images, so their interval is over the images of one. Folds hold out every image once, so their interval is
over all of them."""


def to_markdown(results: Results) -> str:
    """The whole page."""
    parts = [f"# The paper, reproduced{_label(results)}", paragraph(_OPENING), _COMMAND, paragraph(_COMMAND_EFFECT)]
    if results.deviation:
        parts.append(f"**These trainings were {results.deviation}, so they say nothing about the paper's values.**")
    parts += [paragraph(_READING), _outcome(results), *_table8(results), *_table9(results), *_curves(results)]
    parts += ["## What the paper leaves open, and what was chosen", table(["the paper", "here"], CHOICES)]
    return "\n\n".join([*parts, "## Precision and machine", *_machines(results)]) + "\n"


def model_name(model: str) -> str:
    """``model 3`` for ``paper-3``."""
    return model.replace("paper-", "model ")


def plot_path(figure: int) -> str:
    """The path of the plot for one of the paper's figures, relative to the page."""
    return f"reproduction/figure-{figure}.png"


def _outcome(results: Results) -> str:
    """Count the paper's validation accuracies that are within our intervals."""
    rows = [row for row in table_rows(results) if row.statistic == "val_accuracy" and row.split == "paper"]
    compared = [(row.paper, *row.interval) for row in rows if row.interval is not None]
    inside = sum(low <= printed <= high for printed, low, high in compared)
    if not compared:
        return f"None of the {len(rows)} rows is trained yet."
    return (
        f"On the paper's split {len(compared)} of {len(rows)} rows are trained. In {inside} of them the paper's "
        "validation accuracy is within our interval."
    )


def _table8(results: Results) -> list[str]:
    rows = [[*_paper(row), *_ours(row)] for row in table_rows(results) if row.data == "fer2013"]
    for name, quoted in BASELINES.items():
        rows.append([f"{name}, accuracy quoted by the paper", f"{100 * quoted:.0f} %", "not trained here", "", ""])
    return [
        f"## FER2013 (the paper's Table VIII){_label(results)}",
        table(["", "paper", "ours", "difference", "95 % interval"], rows),
        _validated_on([result for result in results.results if result.job.data == "fer2013"]),
    ]


def _validated_on(trained: Sequence[Result]) -> str:
    if not trained:
        return "Validation uses the paper's 7,178 images if PrivateTest is in the data, otherwise PublicTest alone."
    note = trained[0].note or "Validated on PublicTest and PrivateTest together."
    return paragraph(f"{note} That is {trained[0].val_images:,} images; the paper uses both parts together, 7,178.")


def _table9(results: Results) -> list[str]:
    ckplus = [row for row in table_rows(results) if row.data == "ckplus"]
    by_image, by_subject = ([row for row in ckplus if row.split == split] for split in ("paper", "subject"))
    rows = [[*_paper(row), *_ours(row), *_ours(strict)] for row, strict in zip(by_image, by_subject, strict=True)]
    columns = ["difference", "95 % interval"]
    return [
        f"## CK+ (the paper's Table IX){_label(results)}",
        paragraph(_CKPLUS),
        table(
            ["", "paper", "ours, its split", *columns, "ours, by subject", *columns],
            rows + _leakage_rows(results.splits),
        ),
        "The trainings behind each row:",
        table(["", "its split, seeds", "by subject, folds"], _trainings(results)),
    ]


def _leakage_rows(splits: Sequence[SplitLeakage]) -> list[list[str]]:
    """The leakage of the splits: what pixels alone reach, and frames with a sibling in training."""
    by_image = [leakage for leakage in splits if leakage.split == "paper"]
    max_folds = max((leakage.folds for leakage in splits), default=0)
    by_subject = [leakage for leakage in splits if leakage.split == "subject" and leakage.folds == max_folds]
    rows = {
        "nearest neighbour on pixels, validation accuracy": "nearest_correct",
        "held-out images with a sibling frame in training": "siblings",
    }
    return [
        [label, "", *_share(by_image, count), "", "", *_share(by_subject, count), "", ""]
        for label, count in rows.items()
    ]


def _share(splits: Sequence[SplitLeakage], count: str) -> list[str]:
    images = sum(leakage.images for leakage in splits)
    return [
        f"{100 * sum(getattr(leakage, count) for leakage in splits) / images:.2f} %" if images else "not yet counted"
    ]


def _trainings(results: Results) -> list[list[str]]:
    rows = []
    for model in PRINTED["ckplus"]:
        seeds = [str(result.job.seed) for result in results_for(results, "ckplus", model)]
        folds = len(results_for(results, "ckplus", model, "subject"))
        done = f"{folds} of {SUBJECT_FOLDS[model]}" if folds else _MISSING
        rows.append([model_name(model), ", ".join(seeds) or _MISSING, done])
    return rows


def _curves(results: Results) -> list[str]:
    drawn = {curve.figure for curve in results.curves}
    lines = [f"## Accuracy and loss over the epochs (the paper's Figures 1 to 4){_label(results)}"]
    for figure, (data, model) in CURVES.items():
        title = f"Figure {figure}, {model_name(model)} on {'FER2013' if data == 'fer2013' else 'CK+'}"
        lines.append(f"![{title}]({plot_path(figure)})" if figure in drawn else f"{title}: {_MISSING}.")
    return lines


def _machines(results: Results) -> list[str]:
    precision = f"All trainings use {results.settings.precision}."
    if not results.results:
        return [precision]
    rows = []
    keys = [(result.machine or "unknown", _versions(result)) for result in results.results]
    for key in dict.fromkeys(keys):
        seconds = [result.seconds for result, other in zip(results.results, keys, strict=True) if other == key]
        rows.append([*key, len(seconds), f"{sum(seconds) / 3600:.1f} h"])
    return [
        f"{precision} The times include whatever else the machine did meanwhile.",
        table(["machine", "software", "trainings", "time"], rows),
    ]


def _versions(result: Result) -> str:
    return ", ".join(f"{name} {version}" for name, version in result.versions.items())


def _paper(row: Row) -> list[str]:
    return [f"{model_name(row.model)}, {_STATISTICS[row.statistic]}", _show(row.statistic, row.paper)]


def _ours(row: Row) -> list[str]:
    """Our mean, the difference, the interval."""
    if row.ours is None or row.difference is None:
        return [_MISSING, "", ""]
    deviation = "" if row.deviation is None else f" ± {_show(row.statistic, row.deviation)}"
    interval = "" if row.interval is None else f"{100 * row.interval[0]:.2f} % to {100 * row.interval[1]:.2f} %"
    points = f"{100 * row.difference:+.2f}" if row.statistic.endswith("accuracy") else f"{row.difference:+.4f}"
    return [f"{_show(row.statistic, row.ours)}{deviation}", points, interval]


def _show(statistic: StatisticName, value: float) -> str:
    return f"{100 * value:.2f} %" if statistic.endswith("accuracy") else f"{value:.4f}"


def _label(results: Results) -> str:
    return f", {results.deviation}" if results.deviation else ""
