"""Finding faces: which detector the settings mean, and what all of them promise."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from edge_agent.config import DetectorSettings
from edge_agent.errors import ModelError
from edge_agent.types import Detection, Image
from edge_agent.vision.haar import HaarDetector
from edge_agent.vision.opencv import check_version
from edge_agent.vision.region import Region
from edge_agent.vision.weights import YUNET_SHA256, default_weights, find_weights, is_pinned, read_weights
from edge_agent.vision.yunet import YuNetDetector

log = logging.getLogger(__name__)


FETCH_COMMAND = "edge-agent detector fetch"


class Detector(Protocol):
    """Finds the faces of a picture."""

    name: str
    """What to call it in logs: ``haar`` or ``yunet``."""

    def detect(self, image: Image) -> list[Detection]:
        """All faces as squares like FER2013's. Any image will do, gray or colour, however small or dark."""

    def detect_in(self, image: Image, regions: Sequence[Region]) -> tuple[list[Detection], tuple[Region, ...]]:
        """Faces in some regions of an image, and the regions that could be searched at once.

        Where there is no room for all regions, the first given have precedence.
        """

    def region_area(self, image: Image) -> float:
        """How many square pixels of an image :meth:`detect_in` searches at most."""


def open_detector(settings: DetectorSettings) -> Detector:
    """The detector the settings ask for; which one it became is logged once.

    ``auto`` is Haar where YuNet's weights are missing or broken, with a warning if they are broken or were named.

    Raises:
        ModelError: ``yunet`` was asked for and its weights are missing or broken; or this is no OpenCV 4 with its
            cascades.
    """
    check_version()
    if settings.kind == "yunet":
        return _opened(_yunet(settings), "as configured")
    if settings.kind == "haar":
        return _opened(_haar(settings), "as configured")
    if not settings.weights and find_weights() is None:
        return _fallback(settings)
    try:
        return _opened(_yunet(settings), "its weights are there")
    except ModelError as error:
        log.warning("%s", error)
        return _fallback(settings)


def detector_note(settings: DetectorSettings, name: str) -> str:
    """What to tell whoever did not choose Haar and has it; empty where all is well.

    Args:
        settings: What was asked for.
        name: The :attr:`Detector.name` that it became.
    """
    if settings.kind != "auto" or name != "haar":
        return ""
    there = settings.weights or find_weights() is not None
    return (
        f"Faces are found by Haar, since YuNet's weights {'cannot be used' if there else 'are missing'}: "
        f"small and turned faces are missed. Get them with '{FETCH_COMMAND}' (on an installed device with sudo)"
    )


def _fallback(settings: DetectorSettings) -> Detector:
    detector = _haar(settings)
    log.info("%s", detector_note(settings, detector.name))
    return detector


def _opened(detector: Detector, why: str) -> Detector:
    log.info("faces are found by %s: %s", detector.name, why)
    return detector


def _haar(settings: DetectorSettings) -> HaarDetector:
    return HaarDetector(settings.min_face_px)


def _yunet(settings: DetectorSettings) -> YuNetDetector:
    named = Path(settings.weights).expanduser() if settings.weights else None
    path = named or find_weights() or default_weights()
    content = read_weights(path)
    if not is_pinned(content):
        if named is None:
            raise ModelError(
                f"{path}",
                received="a file with another sha256",
                expected=YUNET_SHA256,
                remedy="Fetch it again with 'edge-agent detector fetch'",
            )
        log.warning("%s is not the YuNet that was calibrated; it is used because the settings name it", path)
    return YuNetDetector(content, str(path), settings.min_face_px, settings.min_score)
