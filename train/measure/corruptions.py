"""Corruptions of faces at stated strengths: small, blurred, dark, noisy, compressed, turned, wrongly cropped, masked.

Each corruption is a pure function of faces and a seed, so every model is shown the very same images. The data sets have
only crops of 48 pixels. So an error of the detector's box is simulated by cropping the crop again, shifted or scaled,
with the device's own ``crop_face``. What lies outside the crop is unknown. Its border pixels are repeated there, as the
device does at the edge of an image.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_agent.model_format.crop import crop_face, to_face_tensor
from edge_agent.model_format.metadata import FACE_SIZE

Face = NDArray[np.uint8]
Corrupt = Callable[[Face, np.random.Generator], "NDArray[Any]"]


@dataclass(frozen=True)
class Corruption:
    """One kind of corruption at one strength.

    Attributes:
        kind: What is done: ``blur``.
        strength: How much, with its unit, for people: ``sigma 2 px``.
        corrupt: Changes one face ``uint8 (48, 48, C)``, given a random generator. The result may have any number type
            and any size.
    """

    kind: str
    strength: str
    corrupt: Corrupt

    def apply(self, faces: NDArray[np.uint8], seed: int = 0) -> NDArray[np.uint8]:
        """Corrupt faces; row ``i`` of the result depends on face ``i``, ``i`` and the seed alone.

        Args:
            faces: ``uint8 (N, 48, 48, C)``; they are not changed.
            seed: Of all that is random.

        Returns:
            The corrupted faces, of the same shape and type.
        """
        corrupted = np.empty_like(faces)
        for row, face in enumerate(faces):
            changed = self.corrupt(face, np.random.default_rng((seed, row)))
            levels = np.clip(np.rint(changed), 0, 255).astype(np.uint8)
            corrupted[row] = levels.reshape(face.shape)
        return corrupted


def _small(face: Face, _: np.random.Generator, side_px: int) -> NDArray[Any]:
    """A face with fewer pixels in the frame, scaled up by the device's own code."""
    small = cv2.resize(face, (side_px, side_px), interpolation=cv2.INTER_AREA).astype(np.uint8)
    # Gray and colours alike are scaled channel by channel, so the channels' order does not matter here.
    return np.stack([to_face_tensor(channel) for channel in np.atleast_3d(small).transpose(2, 0, 1)], axis=-1)


def _blurred(face: Face, _: np.random.Generator, sigma_px: float) -> NDArray[Any]:
    return cv2.GaussianBlur(face, (0, 0), sigma_px, borderType=cv2.BORDER_REPLICATE)


def _dark(face: Face, _: np.random.Generator, share: float) -> NDArray[Any]:
    return face * share


def _noisy(face: Face, random: np.random.Generator, sigma: float) -> NDArray[Any]:
    return face + random.normal(0.0, sigma, face.shape)


def _jpeg(face: Face, _: np.random.Generator, quality: int) -> NDArray[Any]:
    encoded = cv2.imencode(".jpg", face, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED))


def _rolled(face: Face, random: np.random.Generator, degrees: float) -> NDArray[Any]:
    side = random.choice((-1.0, 1.0))
    middle = (FACE_SIZE - 1) / 2
    matrix = cv2.getRotationMatrix2D((middle, middle), side * degrees, 1.0)
    return cv2.warpAffine(face, matrix, (FACE_SIZE, FACE_SIZE), borderMode=cv2.BORDER_REPLICATE)


def _shifted(face: Face, random: np.random.Generator, share: float) -> NDArray[Any]:
    """The box moved in a random direction by a share of its side."""
    angle = random.uniform(0.0, 2 * np.pi)
    return _crop_again(face, share * FACE_SIZE * np.cos(angle), share * FACE_SIZE * np.sin(angle), FACE_SIZE)


def _scaled(face: Face, _: np.random.Generator, factor: float) -> NDArray[Any]:
    """The box made smaller or larger around its middle."""
    side = factor * FACE_SIZE
    return _crop_again(face, (FACE_SIZE - side) / 2, (FACE_SIZE - side) / 2, side)


def _crop_again(face: Face, left: float, top: float, side: float) -> NDArray[Any]:
    channels = np.atleast_3d(face).transpose(2, 0, 1)
    return np.stack([crop_face(np.ascontiguousarray(channel), left, top, side) for channel in channels], axis=-1)


_MASK = np.array([[0.10, 0.60], [0.50, 0.50], [0.90, 0.60], [0.84, 0.88], [0.50, 1.02], [0.16, 0.88]])
"""Outline of a face mask as shares of the crop, from the cheek over the bridge of the nose to the chin."""


def masked(face: Face, random: np.random.Generator) -> NDArray[Any]:
    """A face with mouth and nose behind a mask of one gray level."""
    level = int(random.integers(40, 240))
    covered = np.zeros(face.shape[:2], np.uint8)
    cv2.fillPoly(covered, [np.rint(_MASK * FACE_SIZE).astype(np.int32)], (1,))
    return np.where(covered[:, :, None] == 1, level, np.atleast_3d(face))


CORRUPTIONS = (
    *(Corruption("small face", f"{side} px", partial(_small, side_px=side)) for side in (24, 16)),
    *(Corruption("blur", f"sigma {sigma:g} px", partial(_blurred, sigma_px=sigma)) for sigma in (1.0, 2.0)),
    *(Corruption("darkness", f"{share:.0%} of the light", partial(_dark, share=share)) for share in (0.4, 0.15)),
    *(Corruption("noise", f"sigma {sigma:g} of 255", partial(_noisy, sigma=sigma)) for sigma in (10.0, 25.0)),
    *(Corruption("JPEG", f"quality {quality}", partial(_jpeg, quality=quality)) for quality in (30, 10)),
    *(Corruption("roll", f"{degrees:g} degrees", partial(_rolled, degrees=degrees)) for degrees in (10.0, 20.0)),
    *(Corruption("box shifted", f"{share:.0%} of its side", partial(_shifted, share=share)) for share in (0.1, 0.2)),
    *(Corruption("box scaled", f"x {factor:g}", partial(_scaled, factor=factor)) for factor in (0.85, 1.2)),
    Corruption("mask", "mouth and nose covered", masked),
)
"""All corruptions. A detector's box typically overlaps the true one by 0.8 (intersection over union), and one in ten by
less than 0.56 (``docs/box-calibration.md``). A shift by 10 % of the side leaves about 0.8, one by 20 % leaves 0.6 to
0.7, and the scales leave 0.7."""
