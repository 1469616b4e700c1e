"""How well the agent saw a simulated classroom, which knows the truth."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from edge_agent.simulate import SimulatedFace
from edge_agent.types import Box, TrackedFace

SETTLING_S = 2.0
"""A face counts only once it has shown its expression for so long: detector, smoothing and hold need their time."""

_FULL = 0.8
"""Intensity from which an expression counts as shown."""

_MATCH_IOU = 0.3


class SceneScore:
    """Compares what was seen with what was drawn, frame by frame."""

    def __init__(self) -> None:
        self._present: Counter[int] = Counter()
        self._found: Counter[int] = Counter()
        self._shown: Counter[str] = Counter()
        self._recognised: Counter[str] = Counter()
        self._since: dict[int, tuple[str, float]] = {}

    def add(
        self, truth: Sequence[SimulatedFace], seen: Sequence[tuple[TrackedFace, str | None]], scene_s: float
    ) -> None:
        """Compare one frame.

        Args:
            truth: Every seat at the frame's time.
            seen: Every tracked face with its stable expression.
            scene_s: The frame's time in scene seconds.
        """
        for face in truth:
            if not face.present:
                self._since.pop(face.seat, None)
                continue
            self._present[face.seat] += 1
            match = best_match(face.box, seen)
            if match is not None:
                self._found[face.seat] += 1
            if self._settled(face, scene_s):
                self._shown[face.expression] += 1
                self._recognised[face.expression] += match is not None and match[1] == face.expression

    def _settled(self, face: SimulatedFace, scene_s: float) -> bool:
        expression = face.expression if face.intensity >= _FULL else ""
        before = self._since.get(face.seat)
        if before is None or before[0] != expression:
            self._since[face.seat] = (expression, scene_s)
            return False
        return bool(expression) and scene_s - before[1] >= SETTLING_S

    @property
    def faces_simulated(self) -> int:
        """Number of persons that were in the classroom."""
        return len(self._present)

    @property
    def faces_seen(self) -> int:
        """Number of persons among them that were tracked in at least half of the frames that showed them."""
        return sum(self._found[seat] >= 0.5 * frames for seat, frames in self._present.items())

    @property
    def presence_share(self) -> float:
        """Share of all faces in all frames that were tracked; not a number where nobody was there."""
        total = sum(self._present.values())
        return sum(self._found.values()) / total if total else math.nan

    def recognised(self) -> dict[str, float]:
        """By drawn expression, the share of settled face time in which it was the published one."""
        return {name: self._recognised[name] / frames for name, frames in sorted(self._shown.items())}


def best_match(box: Box, seen: Sequence[tuple[TrackedFace, str | None]]) -> tuple[TrackedFace, str | None] | None:
    """The tracked face that overlaps a drawn one most; ``None`` where none overlaps it enough."""
    best = max(seen, key=lambda item: item[0].box.iou(box), default=None)
    return best if best is not None and best[0].box.iou(box) >= _MATCH_IOU else None
