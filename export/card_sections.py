"""The sections of a model card that show measurements: tables, and what they mean."""

from __future__ import annotations

from edge_agent.config import SmoothingSettings
from edge_agent.model_format.metadata import Metadata
from edge_agent.model_format.priors import DEFAULT_PRIOR, describe_shares, training_shares_of_bundle
from export.measurements import Measurements, Quantized
from train.common.markdown import list_item, paragraph
from train.common.table import table
from train.measure import annotator_agreement, cross_dataset, robustness
from train.measure.annotator_agreement import AnnotatorAgreement
from train.measure.answer_precision import AnswerPrecision
from train.measure.calibration import Calibration, choose_floor
from train.measure.cross_dataset import CrossDatasetResult
from train.measure.selection import SelectionScore, prior_name

_HARD_WORDS = {
    "mask, mouth and nose covered": "Mouth and nose covered, and not recognised as such",
    "small face, 16 px": "Small faces of 16 pixels",
    "darkness, 15% of the light": "Dark faces with 15 % of the light",
}

_MIN_FOR_TENTHS = 10
"""Fewer answers are not counted in tenths."""

CALIBRATION_TARGET = 0.02
"""The largest cross-fitted calibration error that meets the target."""


def sections(measured: Measurements, facts: Metadata, plots: str) -> list[str]:
    """All measurements as Markdown, section by section.

    Args:
        measured: The measurements.
        facts: The metadata of the bundle.
        plots: Beginning of the links to the plots, relative to the card; without it no plots are shown.
    """
    found = [
        _quantized(measured.quantized, facts),
        _calibration(measured.calibration, measured.images, facts),
        _coverage(measured),
        _priors(measured.selection, facts),
        _robustness(measured),
        _annotator_agreement(measured.votes, facts),
        _cross_dataset(measured.cross_dataset),
    ]
    pictures = {1: "reliability", 2: "coverage", 4: "robustness"}
    for place, plot in pictures.items():
        if plots:
            found[place] += f"\n\n![{plot.capitalize()}]({plots}-{plot}.png)"
    return [section for section in found if section]


def answers_worth(measured: Measurements, labels: tuple[str, ...]) -> str:
    """The opening of a card: of the faces called by each label, how many are labelled so; empty if not measured.

    Args:
        measured: The measurements.
        labels: The model's, in order.
    """
    if not measured.answers:
        return ""
    header = ["of the faces that it calls", *(f"{one.faces} ({one.images:,})" for one in measured.answers)]
    rows = [[label, *(_right_of(one, label) for one in measured.answers)] for label in labels]
    rows.append(["any of these", *(f"{_share(one.correct)} are right" for one in measured.answers)])
    rows.append(["no answer, `uncertain`", *(f"{1 - one.answered:.0%} of the faces" for one in measured.answers)])
    text = (
        f"Single pictures, at the device's default floor of confidence ({SmoothingSettings().uncertain_below:g}) and "
        f"default prior (`{DEFAULT_PRIOR}`). Right is what the label of the data says; people who label faces disagree "
        "too. How good an answer is depends on how many such faces there are: where few are afraid, more of the faces "
        "called afraid are not. Faces that are too dark or have too little contrast get no answer, as on the device."
    )
    text += "".join(_strange_labels(one) for one in measured.answers)
    hard = [f"**{_HARD_WORDS.get(one.faces, one.faces)}**, {_hard(one)}." for one in measured.hard_answers]
    known = [
        "**Looking down, in profile, mouth and nose covered**: where the detector is YuNet, the device recognises most "
        "such faces and answers `uncertain`. With the Haar detector it does not.",
        "**Talking**: not measured. A mouth that moves changes what single pictures show. The device averages over "
        "time, which helps, and does not know that somebody talks.",
        "**Children**: not measured. Nobody counted them in the training data, and none of these sets says who is one.",
    ]
    listed = "\n".join(list_item(one) for one in (*hard, *known))
    parts = ("## What its answers are worth", table(header, rows), paragraph(text), _missed(measured, labels), listed)
    return "\n\n".join(filter(None, parts))


def _strange_labels(found: AnswerPrecision) -> str:
    """That a set has faces with labels that the model lacks; empty where it has none, or where that is not known."""
    strange = found.images - sum(found.there.values())
    if not found.there or not strange:
        return ""
    what = f"{strange:,} faces with a label that the model lacks"
    return f" {found.faces} also has {what}: any answer for them counts as wrong."


def _missed(measured: Measurements, labels: tuple[str, ...]) -> str:
    """Of the faces with each label, how many get it; empty where measurements are older."""
    if not all(one.there for one in measured.answers):
        return ""
    header = ["of the faces labelled", *(one.faces for one in measured.answers)]
    rows = [
        [
            label,
            *(_of_ten(one.right[label], one.there[label], "get it", "the set has none") for one in measured.answers),
        ]
        for label in labels
    ]
    text = (
        "The others get another label or none. So where a label is not given, somebody may show it all the same, "
        "above all where few of ten get it."
    )
    return f"{table(header, rows)}\n\n{paragraph(text)}"


def _right_of(found: AnswerPrecision, label: str) -> str:
    called = found.called.get(label, 0)
    if called and found.there and not found.there[label]:
        return f"the set has none ({called:,} called so)"
    return _of_ten(found.right.get(label, 0), called, "are", "none called so")


def _of_ten(some: int, of: int, verb: str, nothing: str) -> str:
    """``7 of 10 are (70 of 103)``, with words instead where there are too few to say so."""
    if not of:
        return nothing
    if of < _MIN_FOR_TENTHS:
        return f"too few to say ({some} of {of})"
    tenths = round(some / of * 10)
    # Only all are ten of ten, and only none are none of ten.
    words = "nearly 10" if tenths == 10 and some < of else "fewer than 1" if tenths == 0 and some else str(tenths)
    return f"{words} of 10 {verb} ({some:,} of {of:,})"


def _hard(found: AnswerPrecision) -> str:
    if found.correct is None:
        return "simulated on the held-out faces: none of them gets an answer"
    return (
        f"simulated on the held-out faces: {found.answered:.0%} of them get an answer, and {found.correct:.1%} of the "
        "answers are right"
    )


def _quantized(found: Quantized | None, facts: Metadata) -> str:
    if found is None:
        return ""
    lost = 100 * (found.float_accuracy - found.accuracy)
    rows = [
        [f"accuracy, float32 ({found.run})", f"{found.float_accuracy:.2%}"],
        [f"accuracy, {facts.quantization}", f"{found.accuracy:.2%}"],
        ["points lost by quantization", f"{lost:.2f}"],
        ["faces for which both give the same label", f"{found.agreement:.2%}"],
    ]
    return f"### {facts.quantization} compared with float32\n\n" + table(["statistic", "value"], rows)


def _calibration(found: Calibration, images: int, facts: Metadata) -> str:
    rows = [
        [f"temperature fitted on all of them; the bundle's is {facts.temperature:.4f}", f"{found.temperature:.4f}"],
        ["error, cross-fitted: temperature from one half, measured on the other", f"{found.cross_fitted_error:.2%}"],
        ["error with that temperature, on the same faces", f"{found.error:.2%}"],
        ["error with temperature 1", f"{found.error_without:.2%}"],
        ["error by chance, that of a perfectly calibrated network", f"{found.error_by_chance:.2%}"],
    ]
    reached = found.cross_fitted_error <= CALIBRATION_TARGET
    text = (
        f"Expected calibration error over 15 bins of confidence. The target, at most {CALIBRATION_TARGET:.0%} "
        f"cross-fitted, is {'reached' if reached else 'not reached'}. On {images:,} faces the accuracies of the bins "
        f"scatter by chance, and the error counts this scatter as error. So even a perfectly calibrated network with "
        f"these confidences would show the value of the last row on average."
    )
    return "### Calibration\n\n" + table([f"{images:,} held-out faces", "value"], rows) + "\n\n" + paragraph(text)


def _coverage(measured: Measurements) -> str:
    floor = SmoothingSettings().uncertain_below
    at_default = measured.at_floor(floor)
    rows = [
        [
            f"{point.floor:.2f}" + (", the default" if point is at_default else ""),
            f"{point.coverage:.1%}",
            _share(point.accuracy),
            _share(point.at_floor),
        ]
        for point in measured.abstention
        if 0.15 < point.floor < 0.85
    ]
    text = (
        f"Below its floor of confidence the agent answers `uncertain`. At the default, `smoothing.uncertain_below` = "
        f"{floor:g}, {at_default.coverage:.1%} of single images get an answer, and {_share(at_default.accuracy)} of "
        f"the answers are correct. If a correct answer gains as much as a wrong one costs, the best floor on this "
        f"curve is {choose_floor(measured.abstention):.2f}. All this is under the default prior, `{DEFAULT_PRIOR}`. On "
        "the device, probabilities are averaged over time before "
        f"they are compared with the floor."
    )
    header = ["floor", "answered", "correct answers", "correct answers within 0.05 above the floor"]
    return "### Coverage\n\n" + table(header, rows) + "\n\n" + paragraph(text)


def _priors(found: tuple[SelectionScore, ...], facts: Metadata) -> str:
    shares = training_shares_of_bundle(facts)
    if not found or shares is None:
        return ""
    text = (
        "The network expects each label as often as it saw it in training: "
        f"{describe_shares(shares)}. The setting `[classifier] prior` says what the device expects instead. "
        "`balanced` expects all labels equally often, `half` is between the two, and a table of shares says it for "
        "each label. The default was chosen by the selection score: the mean over the three data sets of the mean of "
        "accuracy and mean recall. On RAF-DB and CK+48 nothing was trained. The first section of this card and "
        "*Coverage* are under the default prior, and the table below compares the priors. All other tables are of the "
        "network itself, `training`."
    )
    rows = [
        [
            f"{prior_name(one.prior)}{', the default' if one.prior == DEFAULT_PRIOR else ''}",
            f"{one.score:.1%} ({one.interval[0]:.1%} to {one.interval[1]:.1%})",
            *(f"{score.accuracy:.1%} / {score.mean_recall:.1%}" for score in one.sets),
            *(f"{score.calibration_error:.1%}" for score in one.sets),
        ]
        for one in found
    ]
    sets = [f"{score.data} ({score.images:,})" for score in found[0].sets]
    header = ["prior", "selection score", *sets, *(f"calibration error, {score.data}" for score in found[0].sets)]
    note = "Columns of data sets have accuracy / mean recall."
    return "\n\n".join(("### Priors", paragraph(text), table(header, rows), note))


def _robustness(measured: Measurements) -> str:
    found, practised = measured.robustness, measured.training_degradations
    text = (
        "The same held-out faces, corrupted by `train/measure/corruptions.py` with a fixed seed. The data have only "
        "crops of 48 pixels. So an error of the detector's box is simulated by cropping the crop again, shifted or "
        "scaled, with the device's own code. That code repeats border pixels where the crop ends. Small faces are "
        "shrunk, then enlarged by the device's own code."
    )
    practice = (
        f"Its training showed the model such pictures too, made by other code: {', '.join(practised)}. "
        + ("How many of them was decided by results on these same faces. " if measured.data == "FER2013" else "")
        + "The other models may not have been trained on such pictures: the table compares models as they are, not "
        "architectures."
    )
    parts = (
        "### Robustness",
        paragraph(text),
        robustness.to_markdown(found),
        robustness.compare_losses(found),
        paragraph(practice) if practised else "",
    )
    return "\n\n".join(filter(None, parts))


def _annotator_agreement(found: AnnotatorAgreement | None, facts: Metadata) -> str:
    if found is None:
        return ""
    text = (
        "FER+ (Barsoum et al. 2016) had ten annotators vote on each of these faces. The commonest choice is a more "
        "reliable label than FER2013's own, and the share of annotators who chose it shows how clear a face is. The "
        "model was chosen by FER2013's labels, on these same faces."
    )
    if facts.training.extra_annotation:
        text += f" It was also trained on {facts.training.extra_annotation} for the training faces."
    return "\n\n".join(("### Against ten annotators", paragraph(text), annotator_agreement.to_markdown(found)))


def _cross_dataset(found: CrossDatasetResult | None) -> str:
    if found is None:
        return ""
    persons = f" of {found.subjects} persons" if found.subjects else ""
    text = (
        f"{found.images:,} faces{persons} from {found.data}, on which the model was not trained, of the classes that "
        f"both have. The model may give any of its labels, as on the device; one that {found.data} lacks counts as "
        f"wrong. The 95 % interval is by bootstrap over {'persons' if persons else 'images'}."
    )
    return "\n\n".join((f"### On another data set: {found.data}", paragraph(text), cross_dataset.to_markdown([found])))


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"
