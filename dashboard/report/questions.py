"""Three questions for the teacher's own reflection, chosen by rules from the figures of the report.

They ask and do not judge. The last one always asks for what figures cannot show.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
from itertools import pairwise
from typing import Final

from dashboard.catalogue import _
from dashboard.report.figures import UNCERTAIN, Part, Report

_NUMBER: Final = 3
_NEUTRAL: Final = "neutral"
_NOTABLE: Final = 0.08
"""A change of a share that is worth a question: smaller ones are within what devices get wrong."""
_LITTLE: Final = 0.6
_UNSURE: Final = 0.35
_COMING_AND_GOING: Final = 0.2


@dataclass(frozen=True, slots=True)
class Question:
    """A question.

    Attributes:
        text: In English, with names of values in braces.
        values: Numbers and times for it, as text.
        expression: The expression it is about; empty for none. Its name belongs at ``{name}``.
    """

    text: str
    values: dict[str, str]
    expression: str = ""

    def say(self, translate: Callable[[str], str]) -> str:
        """The question in the page's language."""
        return translate(self.text).format(name=translate(self.expression) if self.expression else "", **self.values)


_LITTLE_KNOWN: Final = _("Figures are there for only {part} % of the lesson. How do you remember the rest of it?")
_JUMP: Final = _(
    "Between {first} and {second}, the share of {name} went from {before} % to {after} %. What happened then?"
)
_OTHER_THAN_BEFORE: Final = _(
    "The share of {name} was {share} %. In {count} earlier lessons in this room it was {lowest} % to {highest} %. "
    "What was different this time?"
)
_MANY_UNCERTAIN: Final = _(
    "For {share} % of the time the device was not sure. Where did people look, and how was the light?"
)
_FROM_BEGIN_TO_END: Final = _(
    "The share of {name} was {before} % at the beginning and {after} % at the end. Does that match what you noticed?"
)
_CAME_AND_WENT: Final = _(
    "The number of people went from {before} to {after} between {first} and {second}. What did that change?"
)
_CAME_AND_WENT_ROUGHLY: Final = _(
    "The number of people went from about {before} to about {after} between {first} and {second}. What did that change?"
)
_PLAIN: Final = (
    _("Which ten minutes of this lesson would you teach the same way again?"),
    _("At which moment did you change your plan, and what made you do it?"),
)
_ALWAYS: Final = _("What did you notice in the class that these figures cannot show?")


def questions_for(report: Report, zone: tzinfo) -> list[Question]:
    """Three questions about a lesson, all different.

    Args:
        report: Its figures.
        zone: The school's time zone.
    """
    chosen: list[Question] = []
    for question in _candidates(report, zone):
        about = (question.expression, question.text)
        if len(chosen) < _NUMBER - 1 and about not in [(one.expression, one.text) for one in chosen]:
            chosen.append(question)
    return [*chosen, Question(_ALWAYS, {})]


def _candidates(report: Report, zone: tzinfo) -> Iterator[Question]:
    """Questions in the order of how much they have to do with this lesson."""
    length_s = max(report.length_s, 1.0)
    if report.known_s < _LITTLE * length_s:
        yield Question(_LITTLE_KNOWN, {"part": _percent(report.known_s / length_s)})
    if (jump := _largest_jump(report.parts)) is not None:
        before, after, name = jump
        yield Question(_JUMP, _change(before, after, name, zone), name)
    if report.comparison is not None:
        yield from _unusual(report)
    if report.uncertain is not None and report.uncertain >= _UNSURE:
        yield Question(_MANY_UNCERTAIN, {"share": _percent(report.uncertain)})
    yield from _coming_and_going(report.parts, zone)
    known = [part for part in report.parts if part.shares]
    for name, change in sorted(report.changes.items(), key=lambda item: _telling(*item)):
        if _is_notable(name, change):
            yield Question(_FROM_BEGIN_TO_END, _change(known[0], known[-1], name, zone), name)
    for text in _PLAIN:
        yield Question(text, {})


def _largest_jump(parts: list[Part]) -> tuple[Part, Part, str] | None:
    """The largest change from one part to the next, of an expression; ``None`` where none is worth a question."""
    jumps = [
        (*_telling(name, change), before, after)
        for before, after in pairwise(parts)
        for name, change in after.changes.items()
        if _is_notable(name, change)
    ]
    found = min(jumps, key=lambda jump: jump[:2], default=None)
    return None if found is None else (found[3], found[4], found[2])


def _is_notable(name: str, change: float) -> bool:
    return name != UNCERTAIN and abs(change) >= _NOTABLE


def _telling(name: str, change: float) -> tuple[bool, float, str]:
    """Sorts changes by how much they tell. Where others grow, the neutral share shrinks, which is no news."""
    return name == _NEUTRAL, -abs(change), name


def _unusual(report: Report) -> Iterator[Question]:
    comparison = report.comparison
    assert comparison is not None
    for name, change in sorted(comparison.changes.items(), key=lambda item: _telling(*item)):
        lowest, highest = comparison.lowest[name], comparison.highest[name]
        share = report.shares.get(name, 0.0)
        if _is_notable(name, change) and not lowest <= share <= highest:
            values = {
                "share": _percent(share),
                "count": str(comparison.lessons),
                "lowest": _percent(lowest),
                "highest": _percent(highest),
            }
            yield Question(_OTHER_THAN_BEFORE, values, name)
            return


def _coming_and_going(parts: list[Part], zone: tzinfo) -> Iterator[Question]:
    for before, after in pairwise(parts):
        if before.people and after.people and abs(after.people - before.people) > _COMING_AND_GOING * before.people:
            values = {"before": str(before.people), "after": str(after.people)}
            text = _CAME_AND_WENT_ROUGHLY if before.approximate or after.approximate else _CAME_AND_WENT
            yield Question(text, values | _times(before, after, zone))
            return


def _change(before: Part, after: Part, name: str, zone: tzinfo) -> dict[str, str]:
    values = {"before": _percent(before.shares.get(name, 0.0)), "after": _percent(after.shares.get(name, 0.0))}
    return values | _times(before, after, zone)


def _times(before: Part, after: Part, zone: tzinfo) -> dict[str, str]:
    return {"first": _time(before.start, zone), "second": _time(after.end, zone)}


def _time(at: float, zone: tzinfo) -> str:
    return f"{datetime.fromtimestamp(at, zone):%H:%M}"


def _percent(share: float) -> str:
    return str(round(100 * share))
