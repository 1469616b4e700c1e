"""Charts for many browsers: each is drawn once, and kept for some seconds."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import tzinfo
from typing import Final

from dashboard.charts.lesson import Chart, lesson_chart, step_for
from dashboard.history.store import History
from dashboard.settings import Language
from dashboard.web.periods import Period
from edge_agent.client import Device

_KEPT: Final = 64
_GOOD_FOR_S: Final = 8.0


@dataclass(frozen=True, slots=True)
class _Drawing:
    """What a chart is drawn from: two visitors who ask for the same get the same."""

    device: Device
    start: float
    end: float
    language: Language
    narrow: bool


class Charts:
    """Draws charts of lessons. Any thread may ask.

    Args:
        zone: The school's time zone.
        clock: Unix seconds now.
    """

    def __init__(self, zone: tzinfo, clock: Callable[[], float]) -> None:
        self._zone, self._clock = zone, clock
        self._kept: OrderedDict[_Drawing, tuple[float, Chart]] = OrderedDict()
        self._lock = threading.Lock()
        # Always the same thread: what twenty threads have drawn, one after the other, takes 30 MB more of memory.
        self._drawing = ThreadPoolExecutor(1, thread_name_prefix="charts")

    def chart(
        self,
        history: History,
        device: Device,
        period: Period,
        language: Language,
        say: Callable[[str], str],
        *,
        narrow: bool,
    ) -> Chart:
        """The chart of a room's lesson.

        Args:
            history: What is kept.
            device: Which room.
            period: From when to when. One that goes on is drawn anew after some seconds.
            language: The page's.
            say: Translates into it.
            narrow: Whether it is for a narrow screen.
        """
        grain = _GOOD_FOR_S if period.open else 1.0
        drawing = _Drawing(device, period.start // grain, period.end // grain, language, narrow)
        now = self._clock()
        with self._lock:  # the drawing itself is done one after the other, too
            known = self._kept.get(drawing)
            if known is not None and now - known[0] < _GOOD_FOR_S:
                return known[1]
            chart = self._drawing.submit(self._draw, history, device, period, say, narrow=narrow).result()
            self._kept[drawing] = (now, chart)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
            return chart

    def _draw(
        self, history: History, device: Device, period: Period, say: Callable[[str], str], *, narrow: bool
    ) -> Chart:
        return lesson_chart(
            history.shares(device, period.start, period.end, step_for(period.start, period.end)),
            history.markers(device, period.start, period.end),
            period.start,
            period.end,
            zone=self._zone,
            say=say,
            narrow=narrow,
        )
