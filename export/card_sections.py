"""The sections of a model card that measurements fill: tables and what to read from them."""

from __future__ import annotations

from edge_agent.config import SmoothingSettings
from edge_agent.model_format.metadata import Metadata
from export.measurements import Measurements, Quantized
from train.common.table import table
from train.measure import annotator_agreement as agreement
from train.measure import cross_dataset as generalise
from train.measure import robustness
from train.measure.annotator_agreement import AnnotatorAgreement
from train.measure.calibration import Calibration, choose_floor
from train.measure.cross_dataset import CrossDatasetResult

CALIBRATION_TARGET = 0.02
"""The cross-fitted calibration error that is aimed at."""


def sections(measured: Measurements, facts: Metadata, plots: str) -> list[str]:
    """Everything measured as Markdown, section by section; ``plots`` is the beginning of the plots' links."""
    found = [
        _quantized(measured.quantized, facts),
        _calibration(measured.calibration, measured.images, facts),
        _coverage(measured),
        _robustness(measured),
        _votes(measured.votes, facts),
        _generalisation(measured.generalisation),
    ]
    pictures = {1: "reliability", 2: "coverage", 3: "robustness"}
    for place, plot in pictures.items():
        if plots:
            found[place] += f"\n\n![{plot.capitalize()}]({plots}-{plot}.png)"
    return [section for section in found if section]


def _quantized(found: Quantized | None, facts: Metadata) -> str:
    if found is None:
        return ""
    lost = 100 * (found.float_accuracy - found.accuracy)
    rows = [
        [f"accuracy, float32 ({found.run})", f"{found.float_accuracy:.2%}"],
        [f"accuracy, {facts.quantization}", f"{found.accuracy:.2%}"],
        ["points lost by quantization", f"{lost:.2f}"],
        ["faces on which both give the same label", f"{found.agreement:.2%}"],
    ]
    return f"### {facts.quantization} beside float\n\n" + table(["figure", "value"], rows)


def _calibration(found: Calibration, images: int, facts: Metadata) -> str:
    rows = [
        [f"temperature fitted on all of them; the bundle's is {facts.temperature:.4f}", f"{found.temperature:.4f}"],
        ["error, cross-fitted: temperature from one half, measured on the other", f"{found.cross_fitted_error:.2%}"],
        ["error with it, on the faces it was fitted on", f"{found.error:.2%}"],
        ["error without a temperature", f"{found.error_without:.2%}"],
        ["a perfectly calibrated network would be measured at", f"{found.error_by_chance:.2%}"],
    ]
    reached = found.cross_fitted_error <= CALIBRATION_TARGET
    text = (
        f"Expected calibration error over 15 bins of confidence. The aim, at most {CALIBRATION_TARGET:.0%} "
        f"cross-fitted, is {'reached' if reached else 'not reached'}. On {images:,} faces the bins' accuracies "
        f"scatter by chance, and the error counts scatter as error: even a perfectly calibrated network with these "
        f"confidences would show the last row's figure on average."
    )
    return "### Calibration\n\n" + table([f"{images:,} held-out faces", "value"], rows) + "\n\n" + text


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
        f"Under its floor of confidence the agent answers `uncertain`. At the default, `smoothing.uncertain_below` = "
        f"{floor:g}, {at_default.coverage:.1%} of single pictures get an answer, and {_share(at_default.accuracy)} of "
        f"the answers are right. If a right answer gains as much as a wrong one costs, this curve asks for a floor of "
        f"{choose_floor(measured.abstention):.2f}. On the device probabilities are averaged over time before they meet "
        f"the floor."
    )
    header = ["floor", "answered", "right of the answered", "right of those within 0.05 above the floor"]
    return "### Coverage\n\n" + table(header, rows) + "\n\n" + text


def _robustness(measured: Measurements) -> str:
    found, learnt = measured.robustness, measured.learnt_spoilt
    text = (
        "The same held-out faces, spoilt on purpose by `train/measure/corruptions.py` (seeded). Only 48 pixel crops "
        "exist to begin with: an error of the detector's box is simulated by cutting the crop out again, shifted or "
        "scaled, with the device's own code, which repeats border pixels where the crop ends. Small faces are shrunk "
        "and scaled up by the device's own code."
    )
    practice = (
        f"Its training showed the model such pictures too, made by other code: {', '.join(learnt)}. "
        + ("How many was settled by figures on these same faces. " if measured.data == "FER2013" else "")
        + "A model beside it may have had no such practice: the table compares models as they are, not architectures."
    )
    compared = robustness.compare_losses(found)
    parts = ("### Robustness", text, robustness.render(found), compared, practice if learnt else "")
    return "\n\n".join(filter(None, parts))


def _votes(found: AnnotatorAgreement | None, facts: Metadata) -> str:
    if found is None:
        return ""
    text = (
        "FER+ (Barsoum et al. 2016) had ten annotators vote on each of these faces. The commonest choice is a cleaner "
        "truth than FER2013's own label, and the share that agrees on it tells how clear a face is. The model was "
        "chosen by FER2013's labels, on these same faces."
    )
    if facts.training.extra_annotation:
        text += f" It learnt from {facts.training.extra_annotation} on the training faces, too."
    return "\n\n".join(("### Against ten annotators", text, agreement.render(found)))


def _generalisation(found: CrossDatasetResult | None) -> str:
    if found is None:
        return ""
    persons = f" of {found.subjects} persons" if found.subjects else ""
    text = (
        f"{found.images:,} faces{persons} of {found.data}, never trained on, of the classes that both have. Any of "
        f"the model's labels may be answered, as on the device; one that {found.data} lacks counts as wrong. The "
        f"interval (95 %) is by bootstrap over {'persons' if persons else 'images'}."
    )
    return "\n\n".join((f"### On another data set: {found.data}", text, generalise.render([found])))


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"
