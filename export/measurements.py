"""Measurements of one bundle beyond those in its own metadata: a JSON file that names the model."""

from __future__ import annotations

from pathlib import Path

import msgspec

from edge_agent.decoding import UNDECODABLE, decode_json
from edge_agent.errors import InputError
from train.common.writing import write_whole
from train.measure.annotator_agreement import AnnotatorAgreement
from train.measure.answer_precision import AnswerPrecision
from train.measure.calibration import Abstention, Calibration
from train.measure.cross_dataset import CrossDatasetResult
from train.measure.robustness import Robustness
from train.measure.selection import SelectionScore


class Quantized(msgspec.Struct, frozen=True, kw_only=True):
    """A bundle compared with the float network it was converted from, on the same faces; shares from 0 to 1.

    Attributes:
        run: Name of the run.
        float_accuracy: Accuracy of the float network.
        accuracy: Accuracy of the bundle.
        agreement: Share of faces for which both give the same label.
    """

    run: str
    float_accuracy: float
    accuracy: float
    agreement: float


class Measurements(msgspec.Struct, frozen=True, kw_only=True):
    """All measurements of one bundle. What is None was not measured.

    Attributes:
        model: The bundle's id, 12 hex digits.
        data: Name of the data set of the held-out faces.
        protocol: The split by which they were held out.
        images: Number of held-out faces.
        calibration: How well confidences match accuracy.
        abstention: Coverage and accuracy at each floor of confidence, under the default prior.
        robustness: Accuracy under corruptions: the bundle first, then the models it was compared with.
        quantized: Comparison with its float network.
        votes: Agreement with FER+'s annotators.
        cross_dataset: Evaluation on a data set it was not trained on.
        selection: Selection scores under each prior; empty where they were not measured.
        answers: What answers are worth, on each set of faces; empty where it was not measured.
        hard_answers: The same on the held-out faces made hard to read.
        training_degradations: The degradations of images in its training; empty where the run was not named.
    """

    model: str
    data: str
    protocol: str
    images: int
    calibration: Calibration
    abstention: tuple[Abstention, ...]
    robustness: tuple[Robustness, ...]
    quantized: Quantized | None = None
    votes: AnnotatorAgreement | None = None
    cross_dataset: CrossDatasetResult | None = msgspec.field(name="generalisation", default=None)
    selection: tuple[SelectionScore, ...] = ()
    answers: tuple[AnswerPrecision, ...] = ()
    hard_answers: tuple[AnswerPrecision, ...] = ()
    training_degradations: tuple[str, ...] = msgspec.field(name="learnt_spoilt", default=())

    def at_floor(self, floor: float) -> Abstention:
        """Coverage and accuracy at one floor of confidence: the point of the curve that is nearest to it."""
        return min(self.abstention, key=lambda point: abs(point.floor - floor))


def read_measurements(path: Path) -> Measurements:
    """Read a file that ``python -m export measure`` wrote.

    Raises:
        InputError: The file is missing or broken.
    """
    try:
        return decode_json(path.read_bytes(), Measurements)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read: {error.strerror}", remedy="Make it with `python -m export measure`"
        ) from None
    except UNDECODABLE as error:
        raise InputError(f"{path}: {error}", remedy="Make it again with `python -m export measure`") from None


def write_measurements(measured: Measurements, path: Path) -> None:
    """Write measurements as JSON that people can read too."""
    write_whole(
        path, msgspec.json.format(msgspec.json.encode(_rounded(msgspec.to_builtins(measured))), indent=2) + b"\n"
    )


def _rounded(value: object) -> object:
    """Round to six decimals, which is more than the precision of any measurement."""
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(one) for one in value]
    return value
