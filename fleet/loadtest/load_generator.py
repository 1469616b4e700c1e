"""What a device in a class sends, and when: a pure function of its seed, at rates that can be chosen."""

from __future__ import annotations

import heapq
import random
from collections.abc import Sequence
from dataclasses import dataclass

from edge_agent.protocol.messages import CameraHealth, HealthReport, Percentiles
from edge_agent.types import Box, ChangeKind, ExpressionChange, WindowSummary


@dataclass(frozen=True, slots=True)
class Rates:
    """How much a device sends.

    Attributes:
        faces: People in front of its camera.
        change_every_s: Mean time for which a face keeps its stable expression; each change is an event.
        summary_every_s: Seconds that a summary covers.
        health_every_s: Time between two health reports.
    """

    faces: int = 12
    change_every_s: float = 10.0
    summary_every_s: float = 5.0
    health_every_s: float = 30.0

    @property
    def messages_s(self) -> float:
        """Messages a second, on average."""
        return self.faces / self.change_every_s + 1 / self.summary_every_s + 1 / self.health_every_s


GeneratedMessage = ExpressionChange | WindowSummary | HealthReport


class LoadGenerator:
    """The messages of one device. Times are monotonic seconds; different devices send their summaries at other times.

    Args:
        rates: How much it sends.
        labels: The expressions to choose from.
        seed: Which device.
        starts_at: When it begins.
    """

    def __init__(self, rates: Rates, labels: Sequence[str], seed: int, starts_at: float) -> None:
        self._rates, self._labels, self._random = rates, tuple(labels), random.Random(seed)
        self._expressions: dict[int, tuple[str, float]] = {}
        self._due: list[tuple[float, int]] = [(starts_at + self._pause(), face) for face in range(rates.faces)]
        self._due.append((starts_at + self._random.uniform(0, rates.summary_every_s), _SUMMARY))
        self._due.append((starts_at + self._random.uniform(0, rates.health_every_s), _HEALTH))
        heapq.heapify(self._due)

    @property
    def next_at(self) -> float:
        """When the next message is due."""
        return self._due[0][0]

    def generate(self, now: float) -> GeneratedMessage:
        """The message that was due at ``next_at``, with the time ``now``."""
        at, what = heapq.heappop(self._due)
        pauses = {_SUMMARY: self._rates.summary_every_s, _HEALTH: self._rates.health_every_s}
        heapq.heappush(self._due, (at + (pauses[what] if what in pauses else self._pause()), what))
        if what == _SUMMARY:
            return self._summary(now)
        return self._health() if what == _HEALTH else self._change(what, now)

    def _pause(self) -> float:
        return self._random.expovariate(1 / self._rates.change_every_s)

    def _change(self, face: int, at: float) -> ExpressionChange:
        scores = self._shares()
        expression = max(scores, key=scores.__getitem__)
        previous, since = self._expressions.get(face, (None, at))
        self._expressions[face] = expression, at
        return ExpressionChange(
            kind=ChangeKind.START if previous is None else ChangeKind.CHANGE,
            track=f"f{face:03d}",
            expression=expression,
            confidence=scores[expression],
            scores=scores,
            previous=previous,
            held_s=at - since,
            observed_at=at,
            box=Box(40.0 * face, 100.0, 64.0),
        )

    def _summary(self, at: float) -> WindowSummary:
        window_s = self._rates.summary_every_s
        return WindowSummary(at - window_s, window_s, self._rates.faces, self._shares(), suppressed=False)

    def _health(self) -> HealthReport:
        stages = {name: Percentiles(p50=12.0, p95=19.0) for name in ("detect", "classify", "frame")}
        return HealthReport(
            fps=10.0,
            latency_ms=stages,
            camera=CameraHealth(state="ok"),
            frames_read=0,
            frames_dropped=0,
            temperature_c=52.0,
            throttled=False,
        )

    def _shares(self) -> dict[str, float]:
        drawn = [self._random.expovariate(1.0) for _ in self._labels]
        return {label: value / sum(drawn) for label, value in zip(self._labels, drawn, strict=True)}


_SUMMARY, _HEALTH = -1, -2
