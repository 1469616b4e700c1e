"""The report on box calibration: every detector fitted on training faces and checked on photographs, as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edge_agent.errors import InputError
from edge_agent.vision.haar import HaarDetector
from edge_agent.vision.weights import read_weights
from edge_agent.vision.yunet import YuNetDetector
from train.common.table import table
from train.data.dataset import FaceSet
from train.measure.box_calibration import BoxCalibrationFit, RawDetector, fit_box_calibration
from train.measure.detector_agreement import DetectorAgreement, at_sizes, measure_detector_agreement, read_photos


def box_calibration_report(
    faces: FaceSet, photos: Path | None, weights: Path | None, count: int = 3000, seed: int = 0
) -> tuple[tuple[BoxCalibrationFit, ...], str]:
    """Fit every available detector on training faces and check the fits on photographs.

    Args:
        faces: FER2013; only rows of the part ``Training`` are used.
        photos: A folder of photographs with several people, for the check; ``None`` leaves it out.
        weights: YuNet's weights; ``None`` leaves YuNet out.
        count: Number of faces to show.
        seed: Chooses the faces, and the sizes at which they are shown.

    Returns:
        The fits, and the report in Markdown.

    Raises:
        InputError: There are no training rows, or the folder has no images.
        ModelError: The weights cannot be used.
    """
    rows = np.flatnonzero(faces.usage == "Training")
    if not len(rows):
        raise InputError(
            f"{faces.name} has no part Training", remedy="Use FER2013: other face crops are cut out in another way"
        )
    chosen = np.random.default_rng(seed).permutation(rows)[:count]
    detectors: list[RawDetector] = [HaarDetector()]
    if weights is not None:
        detectors.append(YuNetDetector(read_weights(weights), str(weights)))
    fits = tuple(fit_box_calibration(faces.images[chosen], detector, seed) for detector in detectors)
    parts = [_fit_table(fits), _size_table(fits)]
    if photos is not None and len(detectors) == 2:
        images = at_sizes(read_photos(photos))
        parts.append(_agreement_table(measure_detector_agreement(images, detectors[0], detectors[1])))
    return fits, "\n\n".join(parts)


def _fit_table(fits: Sequence[BoxCalibrationFit]) -> str:
    return table(
        ["detector, constants", "found", "scale", "right", "down", "median overlap", "nine in ten over"],
        [
            [
                f"{fit.detector}, {kind}",
                f"{fit.found} of {fit.faces}",
                f"{calibration.scale:.3f}",
                f"{calibration.right:+.3f}",
                f"{calibration.down:+.3f}",
                f"{overlap[0]:.3f}",
                f"{overlap[1]:.3f}",
            ]
            for fit in fits
            for kind, calibration, overlap in (
                ("fitted", fit.fitted, fit.overlap),
                ("in use", fit.in_use, fit.in_use_overlap),
            )
        ],
    )


def _size_table(fits: Sequence[BoxCalibrationFit]) -> str:
    return table(
        ["detector, size of its box", "scale", "spread", "median overlap"],
        [
            [f"{fit.detector}, {size.name}", f"{size.scale:.3f}", f"{size.spread:.3f}", f"{size.overlap:.3f}"]
            for fit in fits
            for size in fit.sizes
        ],
    )


def _agreement_table(found: DetectorAgreement | None) -> str:
    if found is None:
        return "No face of the photos was found by both detectors."
    return table(
        ["faces found by both on photos", "side, YuNet's over Haar's", "right", "down", "median overlap"],
        [[found.pairs, f"{found.side:.3f}", f"{found.right:+.3f}", f"{found.down:+.3f}", f"{found.overlap:.2f}"]],
    )
