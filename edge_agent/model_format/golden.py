"""Golden faces: a few drawn faces that travel with a model, and what it answered to them where it was exported.

A device runs them through its own runtime before it takes a model. A processor or a runtime that calculates wrongly is
so found before a lesson and not in it. The pixels travel, not the way to draw them: a newer drawing must not
make old models look wrong.
"""

from __future__ import annotations

import math

import msgspec


class Golden(msgspec.Struct, frozen=True, kw_only=True):
    """Drawn faces and the answers to them.

    Attributes:
        drawn: What each face is, for people: ``happy, person 3``.
        shape: ``(N, 48, 48, C)``.
        faces: That many uint8 levels, row by row; base64 in JSON.
        logits: The model's outputs for each face, before temperature and softmax.
        runtime: What calculated them.
    """

    drawn: tuple[str, ...]
    shape: tuple[int, int, int, int]
    faces: bytes
    logits: tuple[tuple[float, ...], ...]
    runtime: str = ""

    def check_shapes(self, face: tuple[int, int, int], labels: int) -> None:
        """Check that this can belong to a model.

        Args:
            face: Shape of one face that the model takes: ``(height, width, channels)``.
            labels: How many labels the model has.

        Raises:
            ValueError: The faces are of another shape, or there are too few or too many answers.
        """
        count = self.shape[0]
        if count < 1 or self.shape[1:] != face or len(self.faces) != math.prod(self.shape):
            raise ValueError(f"{len(self.faces)} levels for faces of shape {self.shape}, expected shape (N, {face})")
        if len(self.logits) != count or any(len(row) != labels for row in self.logits):
            raise ValueError(f"{len(self.logits)} rows of answers, expected {count} of {labels}")
