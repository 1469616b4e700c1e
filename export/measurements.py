"""What was measured of one bundle beyond what its own metadata tell: a JSON file that names the model it is of."""

from __future__ import annotations

from pathlib import Path

import msgspec

from edge_agent.decoding import UNDECODABLE
from edge_agent.errors import InputError
from train.common.writing import write_whole
from train.measure.annotator_agreement import AnnotatorAgreement
from train.measure.calibration import Abstention, Calibration
from train.measure.cross_dataset import CrossDatasetResult
from train.measure.robustness import Robustness


class Quantized(msgspec.Struct, frozen=True, kw_only=True):
    """A bundle beside the float network it was converted from, on the same faces; shares from 0 to 1.

    Attributes:
        run: Name of the run.
        float_accuracy: Of the float network.
        accuracy: Of the bundle.
        agreement: Share of faces both give the same label.
    """

    run: str
    float_accuracy: float
    accuracy: float
    agreement: float


class Measurements(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of one bundle. What is None was not measured.

    Attributes:
        model: The bundle's id, 12 hex digits.
        data: Name of the data set that ``images`` held-out faces are of.
        protocol: The split by which they were held out.
        images: How many.
        calibration: How well confidences match accuracy.
        abstention: What each floor of confidence costs and gains.
        robustness: Under corruptions; the bundle first, then what it was compared with.
        quantized: Beside its float network.
        votes: Against FER+'s annotators.
        generalisation: On a data set it was not trained on.
        learnt_spoilt: In which ways the run it was converted from spoilt pictures to learn from, where it was named.
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
    generalisation: CrossDatasetResult | None = None
    learnt_spoilt: tuple[str, ...] = ()

    def at_floor(self, floor: float) -> Abstention:
        """What one floor of confidence costs and gains: the point of the curve that is nearest to it."""
        return min(self.abstention, key=lambda point: abs(point.floor - floor))


def read_measurements(path: Path) -> Measurements:
    """Read what ``python -m export measure`` wrote.

    Raises:
        InputError: The file is missing or broken.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=Measurements)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read: {error.strerror}", remedy="Make it with `python -m export measure`"
        ) from None
    except UNDECODABLE as error:
        raise InputError(f"{path}: {error}", remedy="Make it again with `python -m export measure`") from None


def write_measurements(measured: Measurements, path: Path) -> None:
    """Write figures for people and programs to read."""
    write_whole(
        path, msgspec.json.format(msgspec.json.encode(_rounded(msgspec.to_builtins(measured))), indent=2) + b"\n"
    )


def _rounded(value: object) -> object:
    """The same with six decimals, which is more than any of it is known to."""
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(one) for one in value]
    return value
