"""From a lesson's series to the numbers of its report. Pure: no clock, no database.

Windows that the device withheld count as time without figures. Which those are, its own settings alone decide. Averages
count by face time, as the devices' own shares do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from dashboard.history.series import SharesSeries

UNCERTAIN: Final = "uncertain"
PART_S: Final = 600.0
_MIN_KNOWN: Final = 0.2
"""The lesson, or a part of it, has figures only if windows with figures cover this much of it."""
_MIN_EARLIER: Final = 3
_MIN_COVERED: Final = 0.5
"""An earlier lesson is compared with only if figures cover this much of it."""


@dataclass(frozen=True, slots=True)
class Part:
    """Ten minutes of the lesson, the last one perhaps less.

    Attributes:
        start: Begin, in seconds since 1970.
        end: End.
        people: Mean number of people; ``None`` where there are no figures.
        shares: Share of each expression; empty where there are no figures.
        changes: Difference to the shares of the part before; empty where either has none.
        approximate: Whether its figures are rough on purpose.
    """

    start: float
    end: float
    people: int | None
    shares: dict[str, float]
    changes: dict[str, float]
    approximate: bool = False


@dataclass(frozen=True, slots=True)
class Comparison:
    """Earlier lessons of the same room.

    Attributes:
        lessons: How many there are with enough figures.
        mean: Mean share of each expression in them.
        lowest: The lowest share in any of them.
        highest: The highest.
        changes: This lesson's shares less the mean.
    """

    lessons: int
    mean: dict[str, float]
    lowest: dict[str, float]
    highest: dict[str, float]
    changes: dict[str, float]


@dataclass(frozen=True, slots=True)
class Report:
    """A lesson in numbers. Times are seconds; shares are 0 to 1.

    Attributes:
        start: Begin, in seconds since 1970.
        end: End.
        known_s: How long there were figures.
        withheld_s: How long they were withheld: too few people, a protected group that had only just come together, or
            a camera that was closed, dark or frozen.
        missing_s: How long nothing came.
        late_s: How much of ``known_s`` came late.
        people: Mean number of people; ``None`` where there are too few figures for the lesson as a whole.
        shares: Share of each expression over the lesson; empty where there are too few figures for it.
        uncertain: Share of face time in which the device gave no expression; ``None`` without figures.
        parts: By ten minutes.
        changes: The last part with figures less the first one; empty where there are not two.
        comparison: With earlier lessons; ``None`` where there are fewer than three with enough figures.
        approximate: Whether figures of the lesson are rough on purpose.
        protected: Whether the device protected single members of the group, whether or not there are figures.
    """

    start: float
    end: float
    known_s: float
    withheld_s: float
    missing_s: float
    late_s: float
    people: int | None
    shares: dict[str, float]
    uncertain: float | None
    parts: list[Part]
    changes: dict[str, float]
    comparison: Comparison | None
    approximate: bool = False
    protected: bool = False

    @property
    def length_s(self) -> float:
        """How long the lesson was."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class _Window:
    start: float
    end: float
    faces: int | None
    shares: dict[str, float]
    late: bool
    approximate: bool


def report_of(
    series: SharesSeries,
    start: float,
    end: float,
    *,
    earlier: Sequence[tuple[SharesSeries, float, float]] = (),
) -> Report:
    """The figures of a lesson.

    Args:
        series: The room's figures.
        start: Begin of the lesson, in seconds since 1970.
        end: Its end, after the begin.
        earlier: Earlier lessons of this room, each with its begin and end.
    """
    windows = list(_windows(series, start, end))
    known = [window for window in windows if window.faces is not None]
    known_s = _covered_s(known, start, end)
    seen_s = _covered_s(windows, start, end)
    enough = known_s >= _MIN_KNOWN * (end - start)
    shares = _shares(known) if enough else {}
    parts = _parts(windows, start, end)
    with_figures = [part for part in parts if part.shares]
    return Report(
        start=start,
        end=end,
        known_s=known_s,
        withheld_s=max(0.0, seen_s - known_s),
        missing_s=max(0.0, end - start - seen_s),
        late_s=_covered_s([window for window in known if window.late], start, end),
        people=_people(known) if enough else None,
        shares=shares,
        uncertain=shares.get(UNCERTAIN, 0.0) if shares else None,
        parts=parts,
        changes=_difference(with_figures[-1].shares, with_figures[0].shares) if len(with_figures) > 1 else {},
        comparison=_compare(shares, earlier),
        approximate=any(window.approximate for window in known),
        protected=any(window.approximate for window in windows),
    )


def _windows(series: SharesSeries, start: float, end: float) -> Iterator[_Window]:
    for place, at in enumerate(series.at):
        begun = max(start, at - series.window_s[place])
        if at <= start or begun >= end:
            continue
        faces = series.faces[place]
        values = {name: value for name, column in series.shares.items() if (value := column[place]) is not None}
        yield _Window(
            begun,
            min(at, end),
            faces,
            values if faces is not None else {},
            series.late[place],
            series.approximate[place],
        )


def _covered_s(windows: Sequence[_Window], start: float, end: float) -> float:
    """How much of a time windows cover. Where they overlap, it counts once."""
    covered, until = 0.0, start
    for window in sorted(windows, key=lambda window: window.start):
        first, last = max(window.start, until), min(window.end, end)
        covered += max(0.0, last - first)
        until = max(until, last)
    return covered


def _shares(known: Sequence[_Window]) -> dict[str, float]:
    sums: dict[str, float] = {}
    weights = 0.0
    for window in known:
        if not window.shares or not window.faces:
            continue
        weight = window.faces * (window.end - window.start)
        weights += weight
        for name, share in window.shares.items():
            sums[name] = sums.get(name, 0.0) + share * weight
    return {name: value / weights for name, value in sums.items()} if weights else {}


def _people(known: Sequence[_Window]) -> int | None:
    seconds = sum(window.end - window.start for window in known)
    return (
        round(sum((window.faces or 0) * (window.end - window.start) for window in known) / seconds) if seconds else None
    )


def _parts(windows: Sequence[_Window], start: float, end: float) -> list[Part]:
    parts: list[Part] = []
    first = start
    before: dict[str, float] = {}
    while first < end:
        last = min(first + PART_S, end)
        within = [window for window in windows if window.faces is not None and first < window.end <= last]
        enough = _covered_s(within, first, last) >= _MIN_KNOWN * (last - first)
        shares = _shares(within) if enough else {}
        changes = _difference(shares, before) if shares and before else {}
        approximate = any(window.approximate for window in within)
        parts.append(Part(first, last, _people(within) if enough else None, shares, changes, approximate))
        first, before = last, shares
    return parts


def _compare(shares: dict[str, float], earlier: Sequence[tuple[SharesSeries, float, float]]) -> Comparison | None:
    lessons = []
    for series, start, end in earlier:
        known = [window for window in _windows(series, start, end) if window.faces is not None]
        if _covered_s(known, start, end) >= _MIN_COVERED * (end - start) and (found := _shares(known)):
            lessons.append(found)
    if len(lessons) < _MIN_EARLIER or not shares:
        return None
    names = dict.fromkeys(name for lesson in (shares, *lessons) for name in lesson)
    columns = {name: [lesson.get(name, 0.0) for lesson in lessons] for name in names}
    mean = {name: sum(values) / len(values) for name, values in columns.items()}
    return Comparison(
        lessons=len(lessons),
        mean=mean,
        lowest={name: min(values) for name, values in columns.items()},
        highest={name: max(values) for name, values in columns.items()},
        changes=_difference(shares, mean),
    )


def _difference(one: dict[str, float], other: dict[str, float]) -> dict[str, float]:
    names = dict.fromkeys((*one, *other))
    return {name: one.get(name, 0.0) - other.get(name, 0.0) for name in names}
