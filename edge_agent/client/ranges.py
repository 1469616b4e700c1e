"""Sets of numbers that come mostly in runs."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator


class Ranges:
    """A set of integers kept as ranges, both ends included: small however many numbers, as long as gaps are few."""

    def __init__(self) -> None:
        self._first: list[int] = []
        self._last: list[int] = []

    def __contains__(self, number: int) -> bool:
        place = bisect_left(self._last, number)
        return place < len(self._last) and self._first[place] <= number

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return zip(self._first, self._last, strict=True)

    def add(self, first: int, last: int) -> None:
        """Put in every number from ``first`` to ``last``."""
        start = bisect_left(self._last, first - 1)
        end = start
        while end < len(self._first) and self._first[end] <= last + 1:
            first, last = min(first, self._first[end]), max(last, self._last[end])
            end += 1
        self._first[start:end], self._last[start:end] = [first], [last]

    def missing(self, first: int, last: int) -> list[tuple[int, int]]:
        """The ranges between ``first`` and ``last`` that are not in the set."""
        gaps, place = [], bisect_left(self._last, first)
        while first <= last:
            if place == len(self._first) or self._first[place] > last:
                gaps.append((first, last))
                break
            if self._first[place] > first:
                gaps.append((first, self._first[place] - 1))
            first = self._last[place] + 1
            place += 1
        return gaps
