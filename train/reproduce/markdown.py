"""Results as the Markdown page ``docs/reproduction.md``: a pure function, so that the page can be held against them."""

from __future__ import annotations

from collections.abc import Sequence

from train.common.table import table
from train.reproduce.aggregate import FigureName, Row, results_for, table_rows
from train.reproduce.choices import CHOICES
from train.reproduce.jobs import SUBJECT_FOLDS
from train.reproduce.leakage import SplitLeakage
from train.reproduce.paper import BASELINES, CURVES, PRINTED
from train.reproduce.results import Result, Results

_FIGURES: dict[FigureName, str] = {
    "accuracy": "accuracy",
    "loss": "loss",
    "val_accuracy": "validation accuracy",
    "val_loss": "validation loss",
}
_MISSING = "not yet trained"
_OPENING = """\
The eight networks of Kusno & Chowanda, *Modeling Emotion Recognition System from Facial Images Using Convolutional
Neural Networks*, CommIT Journal 18(2), 251-259, 2024, trained again from its text. The command
`python -m train reproduce all --data fer2013.csv --ckplus CK+48 --docs docs` trains what is missing and writes this
page from [the results](reproduction/results.json); [the tables](reproduction/tables.json) are there for programs,
too. A page is of one set of data: on other images than these results' (with PrivateTest among them, for one) leave
`--docs` out or name a folder of your own."""
_READING = """\
Figures are those after the last epoch. *Accuracy* and *loss* are over the training images as they are learnt from, with
dropout active; *validation* is over images held out. The difference is ours less the paper's, of shares in percentage
points. The interval is Wilson's at 95 %; it is for shares, so losses have none. It takes images as independent; CK+'s
frames come in threes of one recording, so its true intervals are wider. How far trainings differ among themselves is
not in it: where there are several, their standard deviation stands after a ±."""
_CKPLUS = """\
Twice: on the paper's split, a third of each class drawn by image, and subject-independent, where nobody is on both
sides. CK+48 has three nearly equal frames of each recording, so the paper's split mostly asks whether a frame is known
already; the last two rows give the scale of that. Seeds judge much the same images, so their interval is over those of
one; folds hold out every image once, so theirs is over all that are done."""


def render(results: Results) -> str:
    """The whole page."""
    parts = [f"# The paper, reproduced{_label(results)}", _OPENING]
    if results.deviation:
        parts.append(f"**These trainings were {results.deviation}, so they say nothing about the paper's figures.**")
    parts += [_READING, _outcome(results), *_table8(results), *_table9(results), *_curves(results)]
    parts += ["## What the paper leaves open, and what was chosen", table(["the paper", "here"], CHOICES)]
    return "\n\n".join([*parts, "## Precision and machine", *_machines(results)]) + "\n"


def model_name(model: str) -> str:
    """``model 3`` for ``paper-3``."""
    return model.replace("paper-", "model ")


def plot_of(figure: int) -> str:
    """Where the plot of one of the paper's figures lies, seen from the page."""
    return f"reproduction/figure-{figure}.png"


def _outcome(results: Results) -> str:
    """How many of the paper's validation accuracies lie in our intervals."""
    rows = [row for row in table_rows(results) if row.figure == "val_accuracy" and row.split == "paper"]
    compared = [(row.paper, *row.interval) for row in rows if row.interval is not None]
    inside = sum(low <= printed <= high for printed, low, high in compared)
    if not compared:
        return f"None of the {len(rows)} rows is trained yet."
    return (
        f"Trained on the paper's split, of {len(rows)} rows: {len(compared)}. In {inside} of them the paper's "
        "validation accuracy lies within our interval."
    )


def _table8(results: Results) -> list[str]:
    rows = [[*_paper(row), *_ours(row)] for row in table_rows(results) if row.data == "fer2013"]
    for name, quoted in BASELINES.items():
        rows.append([f"{name}, accuracy as the paper quotes it", f"{100 * quoted:.0f} %", "not trained here", "", ""])
    return [
        f"## FER2013 (the paper's Table VIII){_label(results)}",
        table(["", "paper", "ours", "difference", "95 % interval"], rows),
        _judged([result for result in results.results if result.job.data == "fer2013"]),
    ]


def _judged(trained: Sequence[Result]) -> str:
    if not trained:
        return "Validation takes the paper's 7,178 images where PrivateTest is in the data, else PublicTest alone."
    note = trained[0].note or "Validated on PublicTest and PrivateTest together."
    return f"{note} That is {trained[0].val_images:,} images; the paper has both parts together, 7,178."


def _table9(results: Results) -> list[str]:
    ckplus = [row for row in table_rows(results) if row.data == "ckplus"]
    by_image, by_subject = ([row for row in ckplus if row.split == split] for split in ("paper", "subject"))
    rows = [[*_paper(row), *_ours(row), *_ours(strict)] for row, strict in zip(by_image, by_subject, strict=True)]
    columns = ["difference", "95 % interval"]
    return [
        f"## CK+ (the paper's Table IX){_label(results)}",
        _CKPLUS,
        table(["", "paper", "ours, its split", *columns, "ours, by subject", *columns], rows + _scale(results.splits)),
        "The trainings behind each row:",
        table(["", "its split, seeds", "by subject, folds"], _trainings(results)),
    ]


def _scale(splits: Sequence[SplitLeakage]) -> list[list[str]]:
    """What the splits give away: pixels alone, and frames whose neighbour was learnt."""
    by_image = [facts for facts in splits if facts.split == "paper"]
    most = max((facts.folds for facts in splits), default=0)
    by_subject = [facts for facts in splits if facts.split == "subject" and facts.folds == most]
    rows = {
        "nearest neighbour on pixels, validation accuracy": "right",
        "held-out images with a sibling frame in training": "siblings",
    }
    return [
        [words, "", *_share(by_image, count), "", "", *_share(by_subject, count), "", ""]
        for words, count in rows.items()
    ]


def _share(splits: Sequence[SplitLeakage], count: str) -> list[str]:
    images = sum(facts.images for facts in splits)
    return [f"{100 * sum(getattr(facts, count) for facts in splits) / images:.2f} %" if images else "not yet counted"]


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
        words = f"Figure {figure}, {model_name(model)} on {'FER2013' if data == 'fer2013' else 'CK+'}"
        lines.append(f"![{words}]({plot_of(figure)})" if figure in drawn else f"{words}: {_MISSING}.")
    return lines


def _machines(results: Results) -> list[str]:
    said = f"All trainings are in {results.settings.precision}."
    if not results.results:
        return [said]
    rows = []
    keys = [(result.machine or "unknown", _versions(result)) for result in results.results]
    for key in dict.fromkeys(keys):
        seconds = [result.seconds for result, other in zip(results.results, keys, strict=True) if other == key]
        rows.append([*key, len(seconds), f"{sum(seconds) / 3600:.1f} h"])
    return [
        f"{said} Times are as they were, with whatever else the machine did.",
        table(["machine", "software", "trainings", "time"], rows),
    ]


def _versions(result: Result) -> str:
    return ", ".join(f"{name} {version}" for name, version in result.versions.items())


def _paper(row: Row) -> list[str]:
    return [f"{model_name(row.model)}, {_FIGURES[row.figure]}", _show(row.figure, row.paper)]


def _ours(row: Row) -> list[str]:
    """Ours, the difference, the interval."""
    if row.ours is None or row.difference is None:
        return [_MISSING, "", ""]
    spread = "" if row.spread is None else f" ± {_show(row.figure, row.spread)}"
    interval = "" if row.interval is None else f"{100 * row.interval[0]:.2f} % to {100 * row.interval[1]:.2f} %"
    points = f"{100 * row.difference:+.2f}" if row.figure.endswith("accuracy") else f"{row.difference:+.4f}"
    return [f"{_show(row.figure, row.ours)}{spread}", points, interval]


def _show(figure: FigureName, value: float) -> str:
    return f"{100 * value:.2f} %" if figure.endswith("accuracy") else f"{value:.4f}"


def _label(results: Results) -> str:
    return f", {results.deviation}" if results.deviation else ""
