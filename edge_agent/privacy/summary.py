"""The class as a whole over a window of time, withheld where it would say something about few people."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from edge_agent.privacy.disclosure import DisclosureControl, WindowTotals
from edge_agent.types import WindowSummary


class SummaryWindow:
    """Collects the stable expressions of every frame and closes a window every ``window_s`` seconds.

    Args:
        window_s: Length of a window in seconds.
        min_group: Smallest number of faces over which figures are given.
        disclosure: Decides which figures are given instead. ``None`` gives those of each window.
    """

    def __init__(self, window_s: float, min_group: int, disclosure: DisclosureControl | None = None) -> None:
        self._window_s, self._min_group, self._disclosure = window_s, min_group, disclosure
        self._started_at: float | None = None
        self._first_at: float | None = None
        self._frames = 0
        self._faces = self._with_baseline = 0
        self._waiting: tuple[float, WindowSummary] | None = None
        self._blind = False
        self._seen: Counter[str] = Counter()

    def add(self, expressions: Sequence[str | None], now: float, with_baseline: int = 0) -> WindowSummary | None:
        """Count one frame; the summary that is to be sent now, if there is one.

        Args:
            expressions: One entry a face present: its stable expression, ``None`` before it has one.
            now: Monotonic seconds of the frame.
            with_baseline: How many of the faces are corrected by what they look like at rest.
        """
        closed = self.close_if_due(now)
        if self._started_at is None:
            self._started_at = self._start_of_window(now)
        self._frames += 1
        self._faces += len(expressions)
        self._with_baseline += with_baseline
        self._seen.update(expression for expression in expressions if expression is not None)
        return closed

    def add_blind(self, now: float) -> WindowSummary | None:
        """Count a frame that shows nothing, of a camera that is dark or frozen: its window has no figures."""
        closed = self.add([], now)
        self._blind = True
        return closed

    def close_if_due(self, now: float) -> WindowSummary | None:
        """The summary of a window whose time is over; a window in which no frame came has none.

        Where members of the group are protected, it waits for a random time before it is returned.
        """
        over = self._started_at is not None and now - self._started_at >= self._window_s
        waiting = self._waiting
        if over:
            assert self._started_at is not None
            summary = self._summarise(self._started_at)
            self._begin_anew()
            if self._disclosure is None:
                return summary
            self._waiting = (now + self._disclosure.delay_s(self._window_s), summary)
        elif waiting is not None and now >= waiting[0]:
            self._waiting = None
        else:
            return None
        return None if waiting is None else waiting[1]

    def close_camera(self, now: float) -> WindowSummary:
        """The camera has been closed: what the running window has seen is dropped.

        Args:
            now: Monotonic seconds.

        Returns:
            The last summary before the camera is opened again. It has no figures.
        """
        self._begin_anew()
        self._waiting = None
        if self._disclosure is not None:
            self._disclosure.close_camera()
        return WindowSummary(now - self._window_s, self._window_s, faces=None, shares=None, suppressed=True, muted=True)

    def _start_of_window(self, now: float) -> float:
        """When the window begins whose first frame came now."""
        if self._disclosure is None:
            return now
        # Windows that began with a frame would tell the time from one frame to the next, which depends on the faces.
        if self._first_at is None:
            self._first_at = now
        return self._first_at + math.floor((now - self._first_at) / self._window_s) * self._window_s

    def _begin_anew(self) -> None:
        self._started_at = None
        self._frames = self._faces = self._with_baseline = 0
        self._blind = False
        self._seen.clear()

    def _summarise(self, started_at: float) -> WindowSummary:
        if self._disclosure is not None:
            return self._disclose(started_at, self._disclosure)
        mean_faces, total = self._faces / self._frames, sum(self._seen.values())
        # Shares speak of the faces that have an expression: of thirty new ones, the first that has one is alone.
        # A group of one hides nothing, so an empty room is reported as empty. With larger groups it is withheld like a
        # few faces: if an empty room were reported, a withheld summary would mean that a few people are there.
        few = self._min_group > 1 and min(mean_faces, total / self._frames) < self._min_group
        if few or self._blind:
            return WindowSummary(started_at, self._window_s, faces=None, shares=None, suppressed=True)
        shares = {expression: count / total for expression, count in sorted(self._seen.items())}
        faces = max(1, round(mean_faces)) if self._faces else 0
        with_baseline = self._with_baseline / self._frames
        return WindowSummary(
            started_at,
            self._window_s,
            faces=faces,
            shares=shares,
            suppressed=False,
            with_baseline=None if 1 < self._min_group > with_baseline else round(with_baseline),
        )

    def _disclose(self, started_at: float, disclosure: DisclosureControl) -> WindowSummary:
        figures = None
        if not self._blind:
            totals = WindowTotals(
                started_at, self._window_s, self._frames, self._faces, dict(self._seen), self._with_baseline
            )
            figures = disclosure.add(totals)
        if figures is None:
            return WindowSummary(started_at, self._window_s, faces=None, shares=None, suppressed=True, approximate=True)
        return WindowSummary(
            started_at,
            self._window_s,
            figures.faces,
            dict(figures.shares),
            suppressed=False,
            approximate=True,
            with_baseline=figures.with_baseline,
        )
