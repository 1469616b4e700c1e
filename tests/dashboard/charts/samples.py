"""A lesson's figures: forty minutes with a gap, a time without figures and a time that came late."""

from __future__ import annotations

import math
from datetime import datetime, timezone

from dashboard.history import Marker, SharesSeries

NINE = datetime(2026, 11, 23, 9, tzinfo=timezone.utc).timestamp()
END = NINE + 2400
NAMES = ("happy", "surprise", "neutral", "sad", "fear", "angry", "disgust", "contempt", "uncertain")


def lesson(step_s: float = 10.0, names: tuple[str, ...] = NAMES) -> SharesSeries:
    """No windows from minute 10 to 13, withheld ones from minute 20 to 23, late ones from minute 30 to 33."""
    series = SharesSeries(shares={name: [] for name in names})
    for number in range(round(2400 / step_s)):
        minute = number * step_s / 60
        if 10 <= minute < 13:
            continue
        known = not 20 <= minute < 23
        parts = [1.2 + math.sin(minute / 7 + place) for place in range(len(names))]
        series.at.append(NINE + (number + 1) * step_s)
        series.window_s.append(step_s)
        series.faces.append(24 if known else None)
        series.late.append(30 <= minute < 33)
        series.undated.append(False)
        series.approximate.append(False)
        for name, part in zip(names, parts, strict=True):
            series.shares[name].append(part / sum(parts) if known else None)
    return series


MARKERS = [
    Marker(NINE + 1380, "unmuted", ""),
    Marker(NINE + 1200, "muted", ""),
    Marker(NINE + 600, "broker", "<b>no route & more</b>"),
    Marker(NINE + 9999, "online", ""),
]
