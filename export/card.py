"""The model card of a bundle: its properties, its measurements, and the limits of both."""

from __future__ import annotations

from edge_agent.errors import InputError
from edge_agent.model_format.bundle import Bundle
from edge_agent.model_format.metadata import EARLIER, DataInfo, Metadata
from edge_agent.model_format.priors import describe_shares, training_shares_of_bundle
from export.card_sections import answers_worth, sections
from export.measurements import Measurements
from train.common.markdown import list_item, paragraph
from train.common.table import table
from train.measure.evaluate import wilson_interval

_INTRODUCTION = """\
The network names the expression that a face **seems to show**, as {annotators} would name it. It does not detect what a
person feels: people smile without joy, and they are sad without showing it. How people use their faces differs between
persons, cultures and situations."""

_FER2013_LIMITS = (
    """**Labels are noisy.** The ten annotators of FER+ often choose another expression than FER2013's own
    label{counted}. Accuracy on FER2013 shows how well the network imitates its labels.""",
    """**280 of the 3,589 images of PublicTest are, pixel by pixel, also in Training**, as
    `python -m train describe fer2013.csv` counts. This makes every result on PublicTest a little too good.""",
    """**PublicTest was used for choosing**: the recipe was chosen and the temperature fitted on it. An untouched test
    set may give somewhat lower results. Only the cross-fitted calibration error is measured on faces that the
    temperature was not fitted on.""",
)

_SELECTION_LIMIT = """**RAF-DB and CK+48 were used for choosing, too**: the model was chosen among several, and
the default prior among three, by results on these sets and on PublicTest. Nothing was trained on the two. Faces of
another set may give somewhat lower results."""

_COUNTED = "; the section *Against ten annotators* counts how often"

_OWN_LIMITS = (
    """**The labels are those of whoever sorted the pictures**, and two people may name the same face differently.""",
    """**The validation part was used for choosing**: the temperature was fitted on it, and perhaps more. An untouched
    test set may give somewhat lower results. Only the cross-fitted calibration error is measured on faces that the
    temperature was not fitted on.""",
)

_LIMITS = (
    """**Intervals cover only the random choice of faces.** Wilson's 95 % interval shows what other random choices of as
    many faces from the same source would give. It does not show what another camera, classroom or group of people would
    give.""",
    """**No demographic audit.** {data_carry} no age, gender or skin-tone labels. So nobody can say from {them} how
    accuracy differs between groups of people, and nothing here shows that it does not differ. Assume that it differs.
    Do not compare groups by its answers. Before you rely on it, measure it on people like those concerned.""",
    """**Not measured on classrooms.** Nobody has counted how many children the training data show, and in classrooms
    faces are seen from further away and from above. Expect lower results than those measured here.""",
)

_CORRUPTION_LIMIT = """**Corruptions are simulated one at a time** on crops. A real face that is small, dark, turned or
covered often has several of these at once."""

_ORIGINS = {
    "FER2013": """35,887 photographs from the web, found with an image search for words of expressions and labelled by
    people (Goodfellow et al. 2013). The people shown were not asked.""",
    "FER+ votes": """ten annotators' votes on each picture of FER2013 (Barsoum et al. 2016).""",
    "wildfaces": """13,467 photographs of 6,342 persons, from a collection under the Apache-2.0 licence. Students
    labelled them, and most are neutral or happy. Of these two labels, 3,000 each were used.""",
}
"""Where the pictures of data sets come from that models of this project are trained on, by name."""

_USE = """\
Intended for: research on facial-expression recognition and teaching about it; group-level feedback where the law and
the people concerned allow it; medical and safety applications after their own validation. Not intended for: judging,
grading or monitoring individuals. In the European Union, emotion inference in education institutions and workplaces is
prohibited except for medical or safety reasons (AI Act, Regulation (EU) 2024/1689, Art. 5(1)(f))."""


_SCORES = """\
Recall is the share of the faces with a label that get it, and balanced accuracy is the mean of the recalls: rare labels
count as much as frequent ones there."""


def card_to_markdown(bundle: Bundle, measured: Measurements | None = None, plots: str = "") -> str:
    """A bundle's model card as Markdown.

    Args:
        bundle: The model.
        measured: Its measurements beyond those in its metadata. Without them the card says that there are none.
        plots: Beginning of the links to its plots, relative to the card; without it no plots are shown.

    Raises:
        InputError: The measurements are of another model.
    """
    facts = bundle.metadata
    if measured is not None and measured.model != bundle.model_id:
        raise InputError(
            "measurements",
            received=f"those of model {measured.model}",
            expected=bundle.model_id,
            remedy="Measure this model: `python -m export measure`",
        )
    annotators = "annotators of web photographs" if _is_of_fer2013(facts) else "whoever sorted its training pictures"
    parts = [
        f"# Model card: {facts.name}",
        paragraph(_INTRODUCTION.format(annotators=annotators)),
        *([answers_worth(measured, facts.labels)] if measured is not None and measured.answers else []),
        "## Limits",
        _limits(facts, measured),
        "## Use",
        paragraph(_USE),
        "## What it is",
        table(["property", "value"], _properties(bundle)),
        "## Data",
        table(["data", "used for", "split", "images", "sha256"], [*map(_data_row, facts.data), *_annotation(facts)]),
        *_origins(facts),
        *map(paragraph, _notes(facts)),
        paragraph(f"Licence of the weights: {facts.licence or 'not stated'}. {facts.note}"),
        "## Measurements",
        paragraph(
            "Measured on this very file with the device's own classifier, on single images, by "
            '`python -m export convert`, with the labels expected as often as in training (`prior = "training"`).'
        ),
        *(_scores(facts, part) for part in facts.metrics),
        *_further(measured, facts, plots),
    ]
    return "\n\n".join(parts) + "\n"


def _is_of_fer2013(facts: Metadata) -> bool:
    """Whether labels and scores are FER2013's. For a network whose earlier training alone used it, they are not."""
    return bool(facts.data) and facts.data[0].name == "FER2013"


def _annotation(facts: Metadata) -> list[list[str]]:
    """The annotation used in training beyond the data's own labels, as rows of the table of data."""
    training = facts.training
    own = [training.extra_annotation] if training.extra_annotation else []
    return [
        *([one, "training, as annotation beyond the labels", "", "", ""] for one in own),
        *([one, f"{EARLIER}, as annotation", "", "", ""] for one in training.earlier_annotation),
    ]


def _origins(facts: Metadata) -> list[str]:
    """Where the pictures come from, of the data sets that are known; one list or nothing."""
    used = [*(data.name for data in facts.data), *(row[0] for row in _annotation(facts))]
    known = [name for name in dict.fromkeys(used) if name in _ORIGINS]
    return ["\n".join(list_item(f"**{name}**: {_ORIGINS[name]}") for name in known)] if known else []


def _notes(facts: Metadata) -> list[str]:
    """What one must know about results on a split, each note once."""
    return list(dict.fromkeys(f"{data.name}: {data.note}" for data in facts.data if data.note))


def _limits(facts: Metadata, measured: Measurements | None) -> str:
    """The limits of this model; those of FER2013 are named only for models that give its labels."""
    of_fer2013 = _is_of_fer2013(facts)
    words = {
        "counted": _COUNTED if measured is not None and measured.votes is not None else "",
        "data_carry": "FER2013 carries" if of_fer2013 else "The data carry",
        "them": "it" if of_fer2013 else "them",
    }
    chosen = [_SELECTION_LIMIT] if measured is not None and measured.selection else []
    limits = [*(_FER2013_LIMITS if of_fer2013 else _OWN_LIMITS), *chosen, *_LIMITS]
    if measured is not None:
        limits.append(_CORRUPTION_LIMIT)
    return "\n".join(list_item(limit.format_map(words)) for limit in limits)


def _further(measured: Measurements | None, facts: Metadata, plots: str) -> list[str]:
    if measured is None:
        return ["Calibration on other faces, robustness and other data sets were not measured."]
    introduction = (
        f"All that follows was measured by `python -m export measure` on {measured.images:,} faces of {measured.data}, "
        f"held out by the split {measured.protocol}. The JSON file beside the plots has the same values for programs."
    )
    return [paragraph(introduction), *sections(measured, facts, plots)]


def _properties(bundle: Bundle) -> list[list[str]]:
    facts = bundle.metadata
    macs = (
        "multiply-accumulates not counted"
        if facts.macs is None
        else f"{facts.macs / 1e6:.1f} million multiply-accumulates per face"
    )
    shares = training_shares_of_bundle(facts)
    channels = "gray levels" if facts.input.channels == 1 else "red-green-blue"
    return [
        ["id", f"`{bundle.model_id}` (first 12 hex digits of the file's sha256)"],
        ["size", f"{bundle.size_bytes:,} bytes, {facts.quantization}"],
        ["architecture", f"`{facts.architecture}`: {facts.parameters:,} parameters, {macs}"],
        ["input", f"{facts.input.size_px}x{facts.input.size_px} {channels}, uint8"],
        ["output", ", ".join(facts.labels)],
        [
            "temperature",
            f"{facts.temperature:.4f}, fitted after quantization on {facts.temperature_fitted_on or 'nothing'}",
        ],
        ["shares of the labels in training", "not known" if shares is None else describe_shares(shares)],
        ["run", f"{facts.training.run}, seed {facts.training.seed}, finished {facts.training.finished_at}"],
        *([["initial weights", facts.training.started_from]] if facts.training.started_from else []),
        *([["teacher models", ", ".join(facts.training.teachers)]] if facts.training.teachers else []),
        *(
            [["earlier teacher models", ", ".join(facts.training.earlier_teachers)]]
            if facts.training.earlier_teachers
            else []
        ),
        ["code", facts.training.git_revision],
    ]


def _data_row(data: DataInfo) -> list[str]:
    images = ", ".join(f"{count:,} {part}" for part, count in data.images.items() if count)
    return [data.name, data.use, data.protocol, images, f"`{data.sha256[:12]}`"]


def _scores(facts: Metadata, part: str) -> str:
    scores = facts.metrics[part]
    images = int(scores["images"])
    low, high = wilson_interval(round(scores["accuracy"] * images), images)
    rows = [
        ["images", f"{images:,}"],
        ["accuracy", f"{scores['accuracy']:.2%} (95 % interval {low:.2%} to {high:.2%})"],
        ["balanced accuracy", f"{scores['balanced_accuracy']:.2%}"],
        ["macro-F1", f"{scores['macro_f1']:.2%}"],
        ["expected calibration error, 15 bins, same images as the temperature", f"{scores['calibration_error']:.2%}"],
        ["negative log likelihood", f"{scores['nll']:.3f}"],
        *(
            [f"recall, {label}", f"{scores[f'recall_{label}']:.1%}"]
            for label in facts.labels
            if f"recall_{label}" in scores
        ),
    ]
    return f"### {part}\n\n{table(['statistic', 'value'], rows)}\n\n{paragraph(_SCORES)}"
