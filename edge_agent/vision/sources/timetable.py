"""When the pictures of a recording are due: by the file's own time stamps where they rise, else by its rate."""

from __future__ import annotations

import math

MAX_GAP_S = 600.0
"""A longer gap between two pictures is taken for a damaged time stamp."""


class Timetable:
    """Gives the time between two pictures of a file that is read from its beginning.

    Args:
        period_s: Seconds between two pictures by the file's rate.
    """

    def __init__(self, period_s: float) -> None:
        self._period_s = period_s
        self._stamp_ms: float | None = None

    def begin(self) -> None:
        """The file is read from its beginning again."""
        self._stamp_ms = None

    def gap_s(self, stamp_ms: float, skipped: int = 0) -> float:
        """Seconds between a picture and the one before; a period of the rate for the first one.

        Readers differ in the first time stamp of a file: some begin with 0, others with one or two periods.

        Args:
            stamp_ms: The picture's time stamp in milliseconds, as far as the reader knows it.
            skipped: Pictures that were left out between the two.
        """
        before, self._stamp_ms = self._stamp_ms, stamp_ms
        gap_s = math.nan if before is None else (stamp_ms - before) / 1000.0
        return gap_s if 0.0 < gap_s <= MAX_GAP_S else self._period_s * (1 + skipped)
