"""Augmentation: random variations of face crops, on the CPU with OpenCV, the same on every Keras backend.

One function turns one crop and one random generator into one varied crop. So a batch is a pure function of the seed,
the epoch and its position, and an interrupted training continues with exactly the pictures it would have seen.
"""

from __future__ import annotations

import math
from typing import Annotated

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

_Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]


class Augmentation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How far crops are varied. All off by default.

    Attributes:
        flip: Whether left and right are exchanged in half of the crops.
        scale: Largest relative change of size: 0.2 draws from 0.8 to 1.2.
        shift_px: Largest displacement along each axis, in pixels of the 48 pixel crop.
        rotation_rad: Largest roll, in radians.
        brightness: Largest change of level as a share of the full range.
        contrast: Largest relative change of contrast around the crop's mean.
        gamma: Largest change of the tone curve: 0.4 draws exponents from 1 / 1.4 to 1.4, as cameras' curves differ.
        blur_px: Largest standard deviation of a Gaussian blur; applied to a quarter of the crops.
        noise: Largest standard deviation of Gaussian noise as a share of the full range; for a quarter of the crops.
        erase: Probability of painting over one random rectangle of 2 to 20 percent of the area (Zhong et al. 2020).
        mixup: How much each crop and its targets are blended with another one: the share of the other is drawn from a
            beta distribution with this number as both parameters. 0.2 leaves most crops almost alone, 1 draws all
            shares up to a half equally often.
    """

    flip: bool = False
    scale: _Share = 0.0
    shift_px: Annotated[float, msgspec.Meta(ge=0.0, le=24.0)] = 0.0
    rotation_rad: Annotated[float, msgspec.Meta(ge=0.0, le=3.2)] = 0.0
    brightness: _Share = 0.0
    contrast: _Share = 0.0
    gamma: Annotated[float, msgspec.Meta(ge=0.0, le=2.0)] = 0.0
    blur_px: Annotated[float, msgspec.Meta(ge=0.0, le=8.0)] = 0.0
    noise: _Share = 0.0
    erase: _Share = 0.0
    mixup: Annotated[float, msgspec.Meta(ge=0.0, le=10.0)] = 0.0

    def times(self, share: float) -> Augmentation:
        """The same variations, ``share`` as far and, for ``erase``, as often."""
        amounts = {name: value * share for name, value in msgspec.structs.asdict(self).items() if name != "flip"}
        return Augmentation(flip=self.flip, **amounts)


def vary(face: NDArray[np.uint8], how: Augmentation, rng: np.random.Generator, side_px: int) -> NDArray[np.uint8]:
    """One random variation of a face crop.

    Args:
        face: ``uint8 (height, width, C)``.
        how: How far to go; ``mixup`` is for batches (:mod:`train.fit.mixup`).
        rng: Source of all randomness.
        side_px: Side of the result in pixels; smaller than the crop for a cheap early phase of a training.

    Returns:
        ``uint8 (side_px, side_px, C)``.
    """
    draw = rng.uniform(-1.0, 1.0, 8)
    chance = rng.uniform(0.0, 1.0, 8)
    height, width, channels = face.shape
    zoom = (1.0 + how.scale * draw[0]) * side_px / height
    angle = how.rotation_rad * draw[1]
    mirror = -1.0 if how.flip and chance[0] < 0.5 else 1.0
    cos, sin = zoom * math.cos(angle), zoom * math.sin(angle)
    matrix = np.array([[cos * mirror, -sin, 0.0], [sin * mirror, cos, 0.0]])
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    shift = how.shift_px * draw[2:4] * side_px / height
    matrix[:, 2] = (side_px - 1) / 2 + shift - matrix[:, :2] @ middle
    varied = cv2.warpAffine(face, matrix, (side_px, side_px), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    if how.blur_px and chance[1] < 0.25:
        varied = cv2.GaussianBlur(varied, (0, 0), max(0.1, how.blur_px * chance[2] * side_px / height))
    gain, level = 1.0 + how.contrast * draw[4], 255.0 * how.brightness * draw[5]
    if gain != 1.0 or level:
        varied = cv2.addWeighted(varied, gain, varied, 0.0, level + (1.0 - gain) * float(varied.mean()))
    if how.gamma:
        varied = cv2.LUT(varied, _tone_curve((1.0 + how.gamma) ** draw[6]))
    if how.noise and chance[3] < 0.25:
        noisy = varied + rng.normal(0.0, 255.0 * how.noise * chance[4], varied.shape)
        varied = np.clip(noisy, 0, 255).astype(np.uint8)
    result: NDArray[np.uint8] = np.asarray(varied, np.uint8).reshape(side_px, side_px, channels)
    if chance[5] < how.erase:
        _erase(result, rng)
    return result


def _tone_curve(exponent: float) -> NDArray[np.uint8]:
    """The level that each of 256 levels becomes."""
    curve: NDArray[np.uint8] = np.rint(255.0 * (np.arange(256) / 255.0) ** exponent).astype(np.uint8)
    return curve


def _erase(face: NDArray[np.uint8], rng: np.random.Generator) -> None:
    """Paint one random rectangle with one random level, in place."""
    side = face.shape[0]
    area = rng.uniform(0.02, 0.20) * side * side
    aspect = math.exp(rng.uniform(math.log(0.3), math.log(1 / 0.3)))
    height = min(side, max(1, round(math.sqrt(area * aspect))))
    width = min(side, max(1, round(math.sqrt(area / aspect))))
    top, left = int(rng.integers(0, side - height + 1)), int(rng.integers(0, side - width + 1))
    face[top : top + height, left : left + width] = rng.integers(0, 256)
