"""Which way up the picture is: noticing a camera that hangs upside down or on its side.

Face detectors find upright faces. Where a camera hangs from the ceiling, they find almost nobody and nothing fails.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal

import cv2
import numpy as np

from edge_agent.types import Detection, Image
from edge_agent.vision.detector import Detector
from edge_agent.vision.turning import turned

log = logging.getLogger(__name__)

Rotation = Literal[0, 90, 180, 270]
"""Degrees by which a picture is turned clockwise."""

ROTATIONS: Final[tuple[Rotation, ...]] = (0, 90, 180, 270)

_MAX_SIDE_PX = 960
"""Pictures are shrunk to this before they are searched in all rotations."""

_SURE_SCORE = 0.8
"""A single face counts with this score; of a detector without scores two are needed."""

_CLEARLY_MORE = 1.15
_CLEARLY_ABOVE = 0.2
"""A rotation has to reach so many times the sum of scores at 0, plus this."""

_CLEARLY_SURER = 1.08
"""Where it shows just as many faces, the detector has to be so many times as sure of them: of 60 upright real faces,
YuNet was at least so much surer than of the same faces turned."""

FIRST_AFTER_S = 5.0
"""The first search comes so long after the first frame, or with the first face."""

_AWAY_S = 5.0
"""After so long without a frame the camera may have been hung otherwise: the picture is judged anew."""

_AGAIN_AFTER_S = 3.0
_EMPTY_AGAIN_AFTER_S = 20.0
_MAX_EMPTY_AGAIN_AFTER_S = 160.0
_TURNED_AGAIN_AFTER_S = 20.0
_UPRIGHT_AGAIN_AFTER_S = 600.0
"""Searches follow each other quickly while what they find is new, slowly where nobody is there or the picture is known
to be turned, rarely where faces are upright."""

_AGREEING = 3
"""So many searches in a row must find the same."""

TURNED = "turned"
"""The reason that is counted, beside those of readability, where no expression is read since the picture is turned."""


def seen_turned(detector: Detector, image: Image, rotation: Rotation) -> list[Detection]:
    """Faces in a shrunken image turned by so much."""
    scale = _MAX_SIDE_PX / max(image.shape[:2])
    if scale < 1.0:
        image = np.asarray(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    return detector.detect(turned(image, rotation))


def upright_in(detector: Detector, image: Image) -> Rotation | None:
    """The rotation in which the faces of a still image are upright; ``None`` where that is not clear."""
    return clearest({rotation: seen_turned(detector, image, rotation) for rotation in ROTATIONS})


def clearest(found: Mapping[Rotation, list[Detection]]) -> Rotation | None:
    """The rotation in which faces are upright; ``None`` where that is not clear.

    Detectors also find some faces that are turned, with lower scores. So another rotation than 0 has to show clearly
    more, measured by the sum of scores.
    """
    sums = {rotation: sum(face.score for face in faces) for rotation, faces in found.items()}
    best = max(sums, key=lambda rotation: sums[rotation])
    as_many = len(found[best]) == len(found[0])
    needed = _CLEARLY_SURER * sums[0] if as_many else _CLEARLY_MORE * sums[0] + _CLEARLY_ABOVE
    if best == 0 or sums[best] < needed:
        return 0 if sums[0] else None
    if len(found[best]) == 1 and not _SURE_SCORE <= sums[best] < 1.0:
        return None
    return best


def how_turned(rotation: Rotation) -> str:
    """How faces lie that are upright in this rotation."""
    return "upside down" if rotation == 180 else "on their side"


def rotation_note(rotation: Rotation | None, rotate_deg: int) -> str:
    """What to say about a camera whose faces are upright in this rotation; empty where all is well.

    Args:
        rotation: What :func:`clearest` or :class:`OrientationWatch` found.
        rotate_deg: The present setting.
    """
    if not rotation:
        return ""
    return (
        f"Faces are {how_turned(rotation)} in the picture, so many are missed and others misread. "
        f"Set rotate_deg = {(rotate_deg + rotation) % 360} in [camera]"
    )


@dataclass(frozen=True, slots=True)
class Searches:
    """What the searches so far say.

    Attributes:
        next_at: When the next search is due, in monotonic seconds; ``None`` before the first frame.
        winner: What the last search found.
        in_a_row: How many searches found the same.
        empty: How many searches in a row found nobody.
        turned_by: What is believed; 0 where faces are upright or nobody was found yet.
        judged: Whether faces were there to judge by, and the last search does not speak against what is believed.
    """

    next_at: float | None = None
    winner: Rotation | None = None
    in_a_row: int = 0
    empty: int = 0
    turned_by: Rotation = 0
    judged: bool = False

    def due(self, faces: int, now: float) -> bool:
        """Whether to search now: the time has come, or there are ``faces`` before anything is known of the picture."""
        new = not self.judged and self.winner is None
        return (new and faces > 0) or (self.next_at is not None and now >= self.next_at)


def after_search(searches: Searches, winner: Rotation | None, now: float, faces: int = 0) -> Searches:
    """Take in what a search found.

    Args:
        searches: What earlier ones say.
        winner: The rotation in which faces are upright; ``None`` where that is not clear.
        now: Monotonic seconds.
        faces: How many faces were followed when it began. Where it finds none of them, nothing more can be known.
    """
    if winner is None:
        again_s = _AGAIN_AFTER_S if faces else _EMPTY_AGAIN_AFTER_S
        pause_s = min(_MAX_EMPTY_AGAIN_AFTER_S, again_s * 2.0**searches.empty)
        judged = searches.judged or faces > 0
        return replace(
            searches, next_at=now + pause_s, winner=None, in_a_row=0, empty=searches.empty + 1, judged=judged
        )
    in_a_row = searches.in_a_row + 1 if winner == searches.winner else 1
    turned_by = winner if in_a_row >= _AGREEING else searches.turned_by
    settled_s = _TURNED_AGAIN_AFTER_S if turned_by else _UPRIGHT_AGAIN_AFTER_S
    agrees = winner == turned_by
    return Searches(now + (settled_s if agrees else _AGAIN_AFTER_S), winner, in_a_row, 0, turned_by, agrees)


@dataclass
class OrientationWatch:
    """Notices while the agent works that faces are upright in another rotation. One thread only.

    A search goes through all rotations, one rotation a frame, so that no frame takes much longer.

    Attributes:
        detector: Searches.
        rotate_deg: The present setting, for the advice.
        report: Takes a sentence when the picture turns out to be turned, and when it no longer is.
    """

    detector: Detector
    rotate_deg: int = 0
    report: Callable[[str], None] = log.warning
    _searches: Searches = Searches()
    _found: dict[Rotation, list[Detection]] = field(default_factory=dict)
    _faces: int = 0
    _last_at: float | None = None

    @property
    def turned_by(self) -> Rotation:
        """By how much the picture has to be turned; 0 where faces are upright or nobody was found yet."""
        return self._searches.turned_by

    @property
    def judged(self) -> bool:
        """Whether :attr:`turned_by` can be relied on: until then no expression should be read from a face."""
        return self._searches.judged

    def watch(self, image: Image, now: float, faces: int = 0) -> None:
        """Look at a frame, if it is time to.

        Args:
            image: ``uint8 (height, width, 3)``.
            now: Monotonic seconds of the frame.
            faces: How many faces are followed in it.
        """
        if self._last_at is None or now - self._last_at > _AWAY_S:
            self._searches = Searches(next_at=now + FIRST_AFTER_S, turned_by=self._searches.turned_by)
            self._found = {}
        self._last_at = now
        if not self._found:
            if not self._searches.due(faces, now):
                return
            self._faces = faces
        rotation = next(one for one in ROTATIONS if one not in self._found)
        self._found[rotation] = seen_turned(self.detector, image, rotation)
        if len(self._found) < len(ROTATIONS):
            return
        before = self._searches.turned_by
        self._searches = after_search(self._searches, clearest(self._found), now, self._faces)
        self._found = {}
        if self._searches.turned_by != before:
            note = rotation_note(self._searches.turned_by, self.rotate_deg)
            self.report(f"{note}. Until then no expression is given" if note else "Faces are upright now")
