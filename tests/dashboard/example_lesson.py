"""A lesson of 45 minutes that has just ended, and the same lesson in four earlier weeks, as a recorder stores them."""

from __future__ import annotations

import math

from dashboard.history import History, Recorder
from edge_agent.client import Device, Health, Status, Summary
from tests.dashboard.example_school import FACES
from tests.dashboard.history import samples

LENGTH_S = 45 * 60.0
_WEEK_S = 7 * 86400.0
_WINDOW_S = 15.0
GAP_S, FEW_S, LATE_S = (15 * 60, 18 * 60), (25 * 60, 28 * 60), (35 * 60, 38 * 60)
"""Stretches of the latest lesson in which nothing comes, in which too few are there, and in which all comes late."""


def store_lessons(history: History, end: float, *, device: Device = FACES, weeks: int = 5) -> None:
    """Store the lessons, the latest one ending at ``end``."""
    now = [end]
    recorder = Recorder(history, now=lambda: now[0])

    def tell(message: Summary | Health | Status, at: float, *, late: bool = False) -> None:
        now[0] = at
        recorder.take(samples.arrived(message, device, late=late), samples.TIMES)

    for week in range(weeks - 1, -1, -1):
        session, begin = f"S{9 - week}", end - week * _WEEK_S - LENGTH_S
        tell(samples.birth(begin, session=session, room="Room 100"), begin)
        for number in range(int(LENGTH_S / _WINDOW_S)):
            at = number * _WINDOW_S
            if week == 0 and at in (FEW_S[0], FEW_S[1]):
                camera = "dark" if at == FEW_S[0] else "ok"
                tell(samples.health(begin + at, round(1000 * at), session=session, camera=camera), begin + at)
            if week == 0 and GAP_S[0] <= at < GAP_S[1]:
                continue
            few = week == 0 and FEW_S[0] <= at < FEW_S[1]
            message = samples.summary(
                number + 1,
                begin + at + _WINDOW_S,
                session=session,
                faces=None if few else 18 + round(3 * math.sin(at / 700)),
                shares=_shares(at / LENGTH_S, week),
                window_s=_WINDOW_S,
                mono_ms=round(1000 * at),
            )
            late = week == 0 and LATE_S[0] <= at < LATE_S[1]
            tell(message, end if late else begin + at + _WINDOW_S, late=late)
        recorder.commit()


def _shares(part: float, week: int) -> dict[str, float]:
    happy = 0.12 + 0.18 * part + 0.02 * math.sin(20 * part) + 0.02 * (week % 3)
    sad, surprise, uncertain = 0.06, 0.05 + 0.03 * math.cos(9 * part), 0.2 + 0.04 * math.cos(5 * part)
    shares = {"happy": happy, "sad": sad, "surprise": surprise, "angry": 0.02, "uncertain": uncertain}
    return {**shares, "neutral": 1.0 - sum(shares.values())}
