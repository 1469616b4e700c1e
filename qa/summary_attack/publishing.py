"""What the device's own code publishes of a simulated lesson, with and without the defence."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from edge_agent.config import PrivacySettings, Settings
from edge_agent.device.builders import MessageBuilder, ModelIdentity
from edge_agent.device.session import Session
from edge_agent.health.monitor import CameraReport, HealthMonitor
from edge_agent.model_format.labels import FER2013, OTHER
from edge_agent.privacy.disclosure import (
    BASELINES,
    GROUP,
    DisclosureControl,
    Figures,
    Secret,
    WindowTotals,
)
from edge_agent.protocol.messages import encode
from edge_agent.system.hardware_status import HardwareStatus
from edge_agent.types import WindowSummary
from edge_agent.vision.camera_state import CameraState
from qa.summary_attack.lessons import EMPTY_WINDOWS, LABELS, WINDOW_S, WINDOWS, Floats, Ints

FIGURES: Final = (GROUP, *LABELS, BASELINES)
"""All figures that the defence judges, and that of neutral faces, which it never does."""
STEP_WINDOWS: Final = 60
"""Attackers look at steps of five minutes: so many windows."""
STEPS: Final = WINDOWS // STEP_WINDOWS


class FixedSecret(Secret):
    """Thresholds that an attack chooses or looks at."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        super().__init__(None)

    def share(self, figure: str) -> float:
        """How far within its range the threshold of a figure lies."""
        return float(self.drawn[figure])

    def renew(self) -> None:
        """Draw others."""
        self.drawn: dict[str, float] = dict(zip(FIGURES, self._rng.random(len(FIGURES)).tolist(), strict=True))
        self._value = b"drawn"


@dataclass(frozen=True)
class Published:
    """What left the device in a lesson.

    Attributes:
        figures: By window: whether suppressed, faces, the share of each label and of ``other``, faces with a baseline.
        sizes: Bytes of each summary.
        health: By step of five minutes: every number in ``health``.
        blocks: First window of each block and the window after the last one; empty without the defence.
        passed: By block, how many thresholds were passed: of each figure. All that is published follows.
        thresholds: The secret ones by figure, from 0 to 1. No attacker sees them.
    """

    figures: Floats
    sizes: Floats
    health: Floats
    blocks: tuple[int, ...] = ()
    passed: Ints | None = None
    thresholds: Mapping[str, float] = field(default_factory=dict)


class _Clock:
    """A clock that the lesson sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return 1_800_000_000.0 + self.now

    def synced(self) -> bool:
        return True


class _Watched(DisclosureControl):
    """The defence, with a record of its blocks for the attacker who knows where they end."""

    window = 0

    def __init__(self, privacy: PrivacySettings, rng: np.random.Generator) -> None:
        seed = int(rng.integers(2**32))
        secret = FixedSecret(rng)
        super().__init__(privacy.min_group, privacy.blur, privacy.hold_s, secret, random.Random(seed))
        self.drawn = secret.drawn
        self.blocks: list[int] = []
        self.passed: list[tuple[int, ...]] = []

    def _judge(self) -> None:
        super()._judge()
        self.blocks.append(self.window)
        if self._absent and self._shown is not None:
            self.passed.append(self.passed[-1])  # of a group that has just left
            return
        held = self._secret.passed
        self.passed.append((0,) * len(FIGURES) if self._shown is None else tuple(held.get(name, 0) for name in FIGURES))


def publish(windows: Ints, privacy: PrivacySettings, rng: np.random.Generator) -> Published:
    """Let the device's own code publish a lesson; ``windows`` as from :func:`counts`."""
    clock = _Clock()
    session = Session("01JD5W7T4KQ2AAAA", clock)
    builder = MessageBuilder(Settings(privacy=privacy), ModelIdentity(FER2013, "9f86d081884c"), clock)
    control = _Watched(privacy, rng) if privacy.blur else None
    figures, sizes = np.zeros((len(windows), len(LABELS) + 4)), np.zeros(len(windows))
    last: WindowSummary | None = None
    for index, row in enumerate(windows.tolist()):
        clock.now = (index + 1.0) * WINDOW_S
        summary = _exact(index, row, privacy.min_group) if control is None else _disclosed(index, row, control)
        if last is not None and _says(last) == _says(summary):
            figures[index], sizes[index] = figures[index - 1], sizes[index - 1]
            continue
        last, shares = summary, summary.shares or {}
        sizes[index] = len(encode(builder.summary(summary, session)))
        named = (shares.get(name, 0) for name in (*LABELS, OTHER))
        figures[index] = [summary.suppressed, summary.faces or 0, *named, summary.with_baseline or 0]
    lesson = slice(EMPTY_WINDOWS, -EMPTY_WINDOWS)
    health = _health(windows[lesson, :-1].sum(1) / WINDOW_S, privacy, rng)
    figures, sizes = figures[lesson], sizes[lesson]
    if control is None:
        return Published(figures, sizes, health)
    passed = np.array(control.passed)
    return Published(figures, sizes, health, (*control.blocks, len(windows)), passed, control.drawn)


def _says(summary: WindowSummary) -> tuple[object, ...]:
    return summary.faces, summary.shares, summary.with_baseline


def _exact(index: int, row: Sequence[int], min_group: int) -> WindowSummary:
    """As :class:`~edge_agent.privacy.summary.SummaryWindow` sums a window up without the defence."""
    *by_label, with_baseline = row
    faces = sum(by_label)
    if faces < min_group * WINDOW_S:
        return WindowSummary(index * WINDOW_S, WINDOW_S, faces=None, shares=None, suppressed=True)
    shares = {label: count / faces for label, count in zip(LABELS, by_label, strict=True) if count}
    return WindowSummary(
        index * WINDOW_S,
        WINDOW_S,
        round(faces / WINDOW_S),
        shares,
        suppressed=False,
        with_baseline=round(with_baseline / WINDOW_S) if with_baseline >= min_group * WINDOW_S else None,
    )


def _disclosed(index: int, row: Sequence[int], control: _Watched) -> WindowSummary:
    control.window = index
    *by_label, with_baseline = row
    seen = dict(zip(LABELS, by_label, strict=True))
    totals = WindowTotals(index * WINDOW_S, WINDOW_S, WINDOW_S, sum(by_label), seen, with_baseline)
    figures: Figures | None = control.add(totals)
    if figures is None:
        return WindowSummary(index * WINDOW_S, WINDOW_S, None, None, suppressed=True, approximate=True)
    return WindowSummary(
        index * WINDOW_S,
        WINDOW_S,
        figures.faces,
        dict(figures.shares),
        suppressed=False,
        approximate=True,
        with_baseline=figures.with_baseline,
    )


def _health(faces: Floats, privacy: PrivacySettings, rng: np.random.Generator) -> Floats:
    """All numbers of ``health`` by step, of a board that has more to do with every face and drops frames."""
    monitor = HealthMonitor(0.0, privacy.min_group, coarse=privacy.blur > 0)
    rows, read, dropped = [], 0, 0
    for step in range(STEPS):
        for present in faces[step * STEP_WINDOWS : (step + 1) * STEP_WINDOWS : 6]:
            took_ms = 60 + 4 * present + rng.normal(0, 5)
            # Each frame counted here stands for all of half a minute, of which the board takes as many as it can.
            monitor.count([("detect", took_ms / 2)], took_ms, round(present))
            monitor.count_unread(["profile"] * rng.poisson(present / 4))
            read, dropped = read + 300, dropped + max(0, round(300 - 30_000 / took_ms))
        camera = CameraReport(CameraState.OK, "", read, dropped)
        report = monitor.report(camera, (step + 1.0) * STEP_WINDOWS * WINDOW_S, HardwareStatus())
        latency = report.latency_ms.get("total")
        rows.append(
            [
                report.fps,
                report.frames_read,
                report.frames_dropped,
                latency.p50 if latency else 0.0,
                sum((report.unread or {}).values()),
            ]
        )
    return np.array(rows, np.float64)
