"""Whether an expression can be read from a face at all: pure functions of its landmarks and its crop.

``python -m train readability`` measures what the limits here cost and find.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_agent.types import Box, Detection, Landmarks, TrackedFace

MIN_GRAY_RANGE = 25.0
"""Gray levels, of 255, between the 2nd and the 98th percentile of a crop. Under this the model calls faces angry."""

MIN_MIDDLE_RANGE = 18.0
"""The same between eyes, nose and mouth. A bright window behind a dark face reaches into the corners of the crop."""

MAX_NOSE_OFFSET = 0.6
"""How far the nose may lie beside the middle of the eyes, in distances between the eyes: 0.5 is in front of an eye."""

MAX_FACE_LENGTH = 1.6
"""The distance from eyes to mouth in distances between the eyes; in profile the eyes close up."""

MAX_NOSE_DROP = 0.68
"""How far down from the eyes to the mouth the nose may lie; the nose of a face that looks down comes to its mouth."""

MIN_MOUTH_EDGES = 0.06
MIN_MOUTH_CONTRAST = 0.25
"""Mean step between neighbouring pixels, and standard deviation, around the mouth, by the contrast at the eyes. Skin,
lips and teeth have more; cloth and paper in front of them have less."""

REASONS = ("dim", "profile", "looking_down", "covered")
"""Why nothing can be read."""

_GRID = 48
_NEAR = 0.5  # how far a detection's centre may lie from a face's, in sides of the face


def crop_trouble(crop: NDArray[np.uint8]) -> str | None:
    """``dim`` where a face crop, ``uint8 (48, 48)`` or ``(48, 48, 3)``, has too few gray levels; else ``None``."""
    few = gray_range(crop) < MIN_GRAY_RANGE or gray_range(middle_of(crop)) < MIN_MIDDLE_RANGE
    return "dim" if few else None


def gray_range(image: NDArray[np.uint8]) -> float:
    """Gray levels between the 2nd and the 98th percentile of an image."""
    low, high = np.percentile(image, [2, 98])
    return float(high - low)


def middle_of(crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The part of a face crop of any size that has eyes, nose and mouth, and nothing of what is behind the head."""
    height, width = crop.shape[:2]
    return crop[height // 4 : height - height // 7, width // 4 : width - width // 4]


def pose_trouble(landmarks: Landmarks) -> str | None:
    """``profile`` or ``looking_down`` where a face is turned too far, else ``None``; in any unit, at any roll."""
    left_eye, right_eye, nose, left_mouth, right_mouth = landmarks
    across = right_eye[0] - left_eye[0], right_eye[1] - left_eye[1]
    eyes = (left_eye[0] + right_eye[0]) / 2, (left_eye[1] + right_eye[1]) / 2
    down = (left_mouth[0] + right_mouth[0]) / 2 - eyes[0], (left_mouth[1] + right_mouth[1]) / 2 - eyes[1]
    width, length = math.hypot(*across), math.hypot(*down)
    if width * MAX_FACE_LENGTH < length or not length:
        return "profile"
    to_nose = nose[0] - eyes[0], nose[1] - eyes[1]
    if abs(to_nose[0] * across[0] + to_nose[1] * across[1]) > MAX_NOSE_OFFSET * width**2:
        return "profile"
    if to_nose[0] * down[0] + to_nose[1] * down[1] > MAX_NOSE_DROP * length**2:
        return "looking_down"
    return None


def is_covered(crop: NDArray[np.uint8], landmarks: Landmarks) -> bool:
    """Whether something without features is in front of the mouth.

    Args:
        crop: ``uint8 (48, 48)``, or ``(48, 48, 3)``.
        landmarks: In pixels of the crop.
    """
    gray = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY) if crop.ndim == 3 else crop
    left_eye, right_eye, _, left_mouth, right_mouth = (np.asarray(point, np.float32) for point in landmarks)
    eyes, mouth = (left_eye + right_eye) / 2, (left_mouth + right_mouth) / 2
    there = np.array([[24, 14], [24, 34], [34, 14]], np.float32)
    upright = cv2.getAffineTransform(np.stack([eyes, mouth, right_eye]), there)
    face = cv2.warpAffine(gray, upright, (_GRID, _GRID), borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
    contrast = float(face[9:19, 8:40].std()) + 1.0
    below = face[27:41, 13:35]
    edges = float(np.abs(np.diff(below, axis=1)).mean())
    return edges < MIN_MOUTH_EDGES * contrast or float(below.std()) < MIN_MOUTH_CONTRAST * contrast


def trouble(crop: NDArray[np.uint8], landmarks: Landmarks | None) -> str | None:
    """Why no expression can be read from a face, one of :data:`REASONS`; ``None`` where one can.

    Args:
        crop: ``uint8 (48, 48)`` or ``(48, 48, 3)``.
        landmarks: In sides of the crop, ``None`` where the detector finds none.
    """
    found = crop_trouble(crop)
    if found is not None or landmarks is None:
        return found
    found = pose_trouble(landmarks)
    if found is None and is_covered(crop, scaled(landmarks, crop.shape[0])):
        return "covered"
    return found


def scaled(landmarks: Landmarks, factor: float, left: float = 0.0, top: float = 0.0) -> Landmarks:
    """Landmarks with ``(left, top)`` as their origin, enlarged by ``factor``."""
    first, second, third, fourth, fifth = (((x - left) * factor, (y - top) * factor) for x, y in landmarks)
    return first, second, third, fourth, fifth


def within(box: Box, landmarks: Landmarks) -> Landmarks:
    """Landmarks of a frame in sides of a face's square, from its left upper corner."""
    return scaled(landmarks, 1.0 / box.side, box.left, box.top)


def _mean(before: Landmarks, new: Landmarks) -> Landmarks:
    pairs = zip(before, new, strict=True)
    first, second, third, fourth, fifth = (((x0 + x1) / 2, (y0 + y1) / 2) for (x0, y0), (x1, y1) in pairs)
    return first, second, third, fourth, fifth


class LandmarkMemory:
    """Keeps the landmarks that were last found of each face, while the face is only followed. One thread only.

    Those of small faces tremble: what is kept is the mean of the last ones, the newest with half of the weight.
    """

    def __init__(self) -> None:
        self._landmarks: dict[str, Landmarks] = {}

    def update(self, faces: Sequence[TrackedFace], detections: Sequence[Detection], now: float) -> None:
        """Take in what a frame gave.

        Args:
            faces: All tracked faces.
            detections: The faces that were found, in any order.
            now: Monotonic seconds of the frame.
        """
        known = {face.track: self._landmarks[face.track] for face in faces if face.track in self._landmarks}
        with_landmarks = [found for found in detections if found.landmarks is not None and found.box.side > 0]
        for face in faces if with_landmarks else ():
            if face.last_seen_at < now:
                continue
            nearest = min(with_landmarks, key=lambda found: math.dist(found.box.center, face.box.center))
            if math.dist(nearest.box.center, face.box.center) <= _NEAR * face.box.side:
                assert nearest.landmarks is not None
                new = within(nearest.box, nearest.landmarks)
                known[face.track] = _mean(known.get(face.track, new), new)
        self._landmarks = known

    def of(self, face: TrackedFace) -> Landmarks | None:
        """Landmarks in sides of the face's square; ``None`` where none were found."""
        return self._landmarks.get(face.track)
