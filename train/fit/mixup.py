"""Mixup (Zhang et al. 2018): a training picture is blended with another one, and its targets are blended likewise.

So a network learns to be as unsure as a picture is ambiguous. A teacher model answers for the blended picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Mixing:
    """Which pictures of a batch are blended, and how much.

    Attributes:
        partners: For each picture the place of the one that is blended into it, ``int64 (N,)``.
        own: Share of each picture that stays its own, ``float32 (N,)``, 0.5 to 1.
    """

    partners: NDArray[np.int64]
    own: NDArray[np.float32]

    def blend(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Blend what belongs to each picture of the batch, ``float32 (N, ...)``."""
        own = self.own.reshape(-1, *[1] * (values.ndim - 1))
        return own * values + (1 - own) * values[self.partners]

    def blend_faces(self, faces: Sequence[NDArray[np.uint8]], start: int) -> list[NDArray[np.uint8]]:
        """Blend the faces of one chunk, which begins at place ``start`` of the batch and has all their partners."""
        blended = []
        for place, face in enumerate(faces, start):
            own, partner = float(self.own[place]), faces[self.partners[place] - start]
            blended.append(np.rint(own * face + (1.0 - own) * partner).astype(np.uint8))
        return blended


def draw_mixing(images: int, alpha: float, chunk: int, rng: np.random.Generator) -> Mixing:
    """Draw what is blended in a batch.

    Partners stand in the same chunk of so many pictures, so that a host can blend its shard of a batch alone. The order
    of a batch is random, and so is the partner. A picture that is alone in its chunk stays as it is.

    Args:
        images: Pictures of the batch.
        alpha: Both parameters of the beta distribution of the shares.
        chunk: Pictures of a chunk.
        rng: Source of all randomness.
    """
    share = rng.beta(alpha, alpha, images)
    places = np.arange(images)
    first = places // chunk * chunk
    length = np.minimum(first + chunk, images) - first
    step = 1 + np.floor(rng.uniform(0.0, 1.0, images) * np.maximum(length - 1, 0)).astype(np.int64)
    partners = first + (places - first + step) % length
    return Mixing(partners, np.maximum(share, 1.0 - share).astype(np.float32))
