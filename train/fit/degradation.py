"""Degraded pictures for training: covered, dark, blurred, noisy and compressed faces, as poor cameras and light give.

Augmentation (``train.fit.augment``) makes other faces that are as good; degradation makes the picture worse. The
difference matters to teacher models: they answer for the face before degradation, and the network learns to give the
same answer where it sees less (Xie et al. 2020, noisy student). Robustness is measured with other code,
``train.measure.corruptions``, which shares nothing with this module.
"""

from __future__ import annotations

from typing import Annotated

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

_Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]


class Degradation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How often and how far pictures are degraded. Off by default. One picture can be degraded in several ways.

    Attributes:
        share: Probability of each kind, independent of the others.
        cover: Whether something may hide the lower part of the face: a hand, a scarf, a mask.
        darkness: Largest share of the light that is missing.
        blur_px: Largest standard deviation of a Gaussian blur, in pixels of the 48 pixel crop.
        noise: Largest standard deviation of Gaussian noise as a share of the full range.
        jpeg: Lowest JPEG quality, 1 to 95; 0 for no compression.
    """

    share: _Share = 0.0
    cover: bool = False
    darkness: _Share = 0.0
    blur_px: Annotated[float, msgspec.Meta(ge=0.0, le=8.0)] = 0.0
    noise: _Share = 0.0
    jpeg: Annotated[int, msgspec.Meta(ge=0, le=95)] = 0

    def kinds(self) -> tuple[str, ...]:
        """The kinds of degradation in words; empty where there is none."""
        amounts = {
            "covered": self.cover,
            "darkened": self.darkness,
            "blurred": self.blur_px,
            "made noisy": self.noise,
            "compressed": self.jpeg,
        }
        return tuple(kind for kind, amount in amounts.items() if self.share and amount)


NO_DEGRADATION = Degradation()


def degrade(face: NDArray[np.uint8], how: Degradation, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Degrade one picture at random, in the order in which it happens: scene, light, lens, sensor, encoder.

    Args:
        face: ``uint8 (side, side, C)``; it is not changed.
        how: How often and how far.
        rng: Source of all randomness.

    Returns:
        ``uint8 (side, side, C)``; ``face`` itself where nothing happened.
    """
    happens = rng.uniform(0.0, 1.0, 5) < how.share
    amount = rng.uniform(0.0, 1.0, 5)
    degraded: NDArray[np.uint8] = face
    if how.cover and happens[0]:
        degraded = _cover(degraded, rng)
    if how.darkness and happens[1]:
        degraded = np.rint(degraded * (1.0 - how.darkness * amount[1])).astype(np.uint8)
    if how.blur_px and happens[2]:
        sigma = how.blur_px * amount[2] * face.shape[0] / 48
        blurred = cv2.GaussianBlur(degraded, (0, 0), max(0.1, sigma), borderType=cv2.BORDER_REPLICATE)
        degraded = np.asarray(blurred, np.uint8)
    if how.noise and happens[3]:
        noisy = degraded + rng.normal(0.0, 255.0 * how.noise * amount[3], degraded.shape)
        degraded = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
    if how.jpeg and happens[4]:
        quality = round(95 + (how.jpeg - 95) * amount[4])
        packed = cv2.imencode(".jpg", degraded, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        degraded = np.asarray(cv2.imdecode(packed, cv2.IMREAD_UNCHANGED), np.uint8)
    return degraded.reshape(face.shape)


def _cover(face: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """The face with one level over its lower part: from a slanting edge between nose bridge and mouth downwards."""
    side = face.shape[0]
    left, right = rng.uniform(-0.1, 0.2), rng.uniform(0.8, 1.1)
    top = rng.uniform(0.45, 0.7)
    slant = rng.uniform(-0.1, 0.1)
    bottom = rng.uniform(0.85, 1.1)
    corners = np.array([[left, top - slant], [right, top + slant], [right, bottom], [left, bottom]])
    covered = np.zeros((side, side), np.uint8)
    cv2.fillPoly(covered, [np.rint(corners * side).astype(np.int32)], (1,))
    return np.where(covered[:, :, None] == 1, np.uint8(rng.integers(0, 256)), face)
