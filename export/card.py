"""The model card: what a bundle says of itself, and what nobody must read into it."""

from __future__ import annotations

from edge_agent.errors import InputError
from edge_agent.model_format.bundle import Bundle
from edge_agent.model_format.metadata import EARLIER, DataInfo, Metadata
from export.card_sections import sections
from export.measurements import Measurements
from train.common.table import table
from train.measure.evaluate import wilson_interval

_INTRODUCTION = """\
The network reads the expression that a face **seems to show**, as {annotators} would name it. It does
not read what a person feels: people smile without joy and are sad without showing it, and how faces are used differs
between persons, cultures and situations."""

_FER2013_LIMITS = """\
- **Labels are noisy.** Ten annotators of FER+ often choose another expression than FER2013's own label says{counted}.
  Accuracy on FER2013 says how well the network imitates its labels.
- **280 of the 3,589 images of PublicTest are, pixel by pixel, also in Training**, as
  `python -m train describe fer2013.csv` counts, which flatters every figure on PublicTest a little.
- **PublicTest was used for choosing**: the recipe was settled and the temperature fitted on it. An untouched test set
  may give somewhat less. Only a cross-fitted calibration error is of faces the temperature was not fitted on."""

_COUNTED = """; the
  section *Against ten annotators* counts how often"""

_OWN_LIMITS = """\
- **The labels are those of whoever sorted the pictures**, and one person's word for a face is not the next one's.
- **The validation part was used for choosing**: the temperature was fitted on it, and perhaps more. An untouched test
  set may give somewhat less. Only a cross-fitted calibration error is of faces the temperature was not fitted on."""

_LIMITS = """\
- **Intervals are for chance in the choice of faces alone**: Wilson's 95 % interval says what other draws of as many
  faces from the same source would give, not what another camera, room or group of people gives.
- **No demographic audit.** {untold} no age, gender or skin-tone labels, so nobody can say from {them} how accuracy
  differs between groups of people, and nothing here shows that it does not. Assume that it differs, do not compare
  groups by its answers, and measure on people like those concerned before relying on it.
- **Not measured on classrooms.** Nobody has counted how many children the training data show, and classrooms are seen
  from further away and from above. Expect less than the figures above."""

_CORRUPTIONS = """\
- **Corruptions are simulated one at a time** on crops; real small, dark, turned and covered faces
  have several at once."""

_USE = """\
Meant for: research on and teaching about facial-expression recognition, group-level feedback where law and people
concerned allow it, medical and safety applications after their own validation. Not meant for: judging, grading or
monitoring individuals. In the European Union, emotion inference in education institutions and workplaces is prohibited
except for medical or safety reasons (AI Act, Regulation (EU) 2024/1689, Art. 5(1)(f))."""


def card_to_markdown(bundle: Bundle, measured: Measurements | None = None, plots: str = "") -> str:
    """A bundle's model card as Markdown.

    Args:
        bundle: The model.
        measured: What was measured of it beyond its metadata; the card says so where it was not.
        plots: Beginning of the links to its plots, relative to the card; no plots are shown without.

    Raises:
        InputError: The figures are of another model.
    """
    facts = bundle.metadata
    if measured is not None and measured.model != bundle.model_id:
        raise InputError(
            "measured figures",
            received=f"those of model {measured.model}",
            expected=bundle.model_id,
            remedy="Measure this model: `python -m export measure`",
        )
    parts = [
        f"# Model card: {facts.name}",
        _INTRODUCTION.format(
            annotators="annotators of web photographs"
            if _is_of_fer2013(facts)
            else "whoever sorted its training pictures"
        ),
        "## What it is",
        table(["property", "value"], _properties(bundle)),
        "## Data",
        table(["data", "used for", "split", "images", "sha256"], [*map(_data_row, facts.data), *_annotation(facts)]),
        *_notes(facts),
        f"Licence of the weights: {facts.licence or 'not stated'}. {facts.note}".strip(),
        "## Figures",
        "Measured on this very file through the device's own classifier, single view, by `python -m export convert`.",
        *(_figures(facts, part) for part in facts.metrics),
        *_further(measured, facts, plots),
        "## Limits",
        _limits(facts, measured),
        "## Use",
        _USE,
    ]
    return "\n\n".join(parts) + "\n"


def _is_of_fer2013(facts: Metadata) -> bool:
    """Whether labels and figures are FER2013's. A network that only began with it gives those of other data."""
    return bool(facts.data) and facts.data[0].name == "FER2013"


def _annotation(facts: Metadata) -> list[list[str]]:
    """The annotation learnt from beyond the data's own labels, as rows of the table of data."""
    training = facts.training
    own = [training.extra_annotation] if training.extra_annotation else []
    return [
        *([one, "training, as annotation beyond the labels", "", "", ""] for one in own),
        *([one, f"{EARLIER}, as annotation", "", "", ""] for one in training.earlier_annotation),
    ]


def _notes(facts: Metadata) -> list[str]:
    """What a reader of figures on a split must know, once each."""
    return list(dict.fromkeys(f"{data.name}: {data.note}" for data in facts.data if data.note))


def _limits(facts: Metadata, measured: Measurements | None) -> str:
    """What limits this model; what is so of FER2013 is said only of models that give its labels."""
    of_fer2013 = _is_of_fer2013(facts)
    counted = _COUNTED if measured is not None and measured.votes is not None else ""
    untold, them = ("FER2013 carries", "it") if of_fer2013 else ("The data carry", "them")
    found = [
        _FER2013_LIMITS.format(counted=counted) if of_fer2013 else _OWN_LIMITS,
        _LIMITS.format(untold=untold, them=them),
        _CORRUPTIONS if measured is not None else "",
    ]
    return "\n".join(filter(None, found))


def _further(measured: Measurements | None, facts: Metadata, plots: str) -> list[str]:
    if measured is None:
        return ["Calibration on other faces, robustness and other data sets were not measured."]
    introduction = (
        f"All that follows was measured by `python -m export measure` on {measured.images:,} faces of {measured.data}, "
        f"held out by its split {measured.protocol}; figures for programs stand beside the plots."
    )
    return [introduction, *sections(measured, facts, plots)]


def _properties(bundle: Bundle) -> list[list[str]]:
    facts = bundle.metadata
    macs = "not counted" if facts.macs is None else f"{facts.macs / 1e6:.1f} million a face"
    channels = "gray levels" if facts.input.channels == 1 else "red-green-blue"
    return [
        ["id", f"`{bundle.model_id}` (first 12 hex digits of the file's sha256)"],
        ["size", f"{bundle.size_bytes:,} bytes, {facts.quantization}"],
        ["architecture", f"`{facts.architecture}`: {facts.parameters:,} parameters, {macs} multiply-accumulates"],
        ["input", f"{facts.input.size_px}x{facts.input.size_px} {channels}, uint8"],
        ["output", ", ".join(facts.labels)],
        [
            "temperature",
            f"{facts.temperature:.4f}, fitted after quantization on {facts.temperature_fitted_on or 'nothing'}",
        ],
        ["run", f"{facts.training.run}, seed {facts.training.seed}, finished {facts.training.finished_at}"],
        *([["begun from", facts.training.started_from]] if facts.training.started_from else []),
        *([["taught by", ", ".join(facts.training.teachers)]] if facts.training.teachers else []),
        *([["teachers before", ", ".join(facts.training.earlier_teachers)]] if facts.training.earlier_teachers else []),
        ["code", facts.training.git_revision],
    ]


def _data_row(data: DataInfo) -> list[str]:
    images = ", ".join(f"{count:,} {part}" for part, count in data.images.items() if count)
    return [data.name, data.use, data.protocol, images, f"`{data.sha256[:12]}`"]


def _figures(facts: Metadata, part: str) -> str:
    figures = facts.metrics[part]
    images = int(figures["images"])
    low, high = wilson_interval(round(figures["accuracy"] * images), images)
    rows = [
        ["images", f"{images:,}"],
        ["accuracy", f"{figures['accuracy']:.2%} (95 % interval {low:.2%} to {high:.2%})"],
        ["balanced accuracy", f"{figures['balanced_accuracy']:.2%}"],
        ["macro-F1", f"{figures['macro_f1']:.2%}"],
        ["expected calibration error, 15 bins, same images as the temperature", f"{figures['calibration_error']:.2%}"],
        ["negative log likelihood", f"{figures['nll']:.3f}"],
        *(
            [f"recall, {label}", f"{figures[f'recall_{label}']:.1%}"]
            for label in facts.labels
            if f"recall_{label}" in figures
        ),
    ]
    return f"### {part}\n\n" + table(["figure", "value"], rows)
