"""Where faces are, drawn with characters: what the technician at the camera sees instead of a picture."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from edge_agent.vision.aiming import Aim, Problem, advice, sizes
from edge_agent.vision.zones import NO_ZONES, Zones

WIDTH, HEIGHT = 80, 24
"""Columns and lines that a view takes at most."""

_ROWS = 14
_MARKS: dict[Problem, str] = {"small": "s", "dark": "d", "steep": "t", "cut": "c"}
_GOOD = "#"
_OUTSIDE = ":"
LEGEND = "# good  s small  d dark  t turned or tilted  c cut off  : not watched"


def aim_view(aim: Aim, notes: Sequence[str] = (), zones: Zones = NO_ZONES) -> str:
    """The whole view, at most 80 columns and 24 lines.

    Args:
        aim: What the camera sees.
        notes: Sentences that come before the advice.
        zones: What is not watched is marked.
    """
    lines = [aim_line(aim)[:WIDTH], *grid(aim, zones), LEGEND]
    for sentence in (*notes, *advice(aim)):
        lines += textwrap.wrap(f"- {sentence}.", WIDTH, subsequent_indent="  ")
    return "\n".join(lines[:HEIGHT])


def aim_line(aim: Aim) -> str:
    """The same in one line: how many faces, how large, and what is wrong with how many."""
    counted = {
        problem: sum(problem in face.problems for face in aim.faces) for problem in ("small", "dark", "steep", "cut")
    }
    wrong = ", ".join(f"{count} {problem}" for problem, count in counted.items() if count)
    seen = f"{aim.places} {'place' if aim.places == 1 else 'places'}, {aim.covered_share:.0%} of the picture"
    return f"{sizes(aim.faces)}; {wrong + '; ' if wrong else ''}{seen}"


def grid(aim: Aim, zones: Zones = NO_ZONES) -> list[str]:
    """The frame in characters, with an outline; faces are boxes of their marks."""
    width, height = aim.size
    columns, rows = min(WIDTH - 2, round(2 * _ROWS * width / height)), _ROWS
    if columns == WIDTH - 2:
        rows = max(1, round(columns * height / (2 * width)))
    columns = max(2, columns)
    cells = [[" "] * columns for _ in range(rows)]
    if zones:
        for row, line in enumerate(zones.grid(columns, rows)):
            for column, counts in enumerate(line):
                if not counts:
                    cells[row][column] = _OUTSIDE
    for face in aim.faces:
        box = face.box
        left, right = (int(x / width * columns) for x in (box.left, box.left + box.side))
        top, bottom = (int(y / height * rows) for y in (box.top, box.top + box.side))
        mark = _MARKS[face.problems[0]] if face.problems else _GOOD
        for row in range(max(0, top), min(rows, max(bottom, top + 1))):
            for column in range(max(0, left), min(columns, max(right, left + 1))):
                cells[row][column] = mark
    edge = "+" + "-" * columns + "+"
    return [edge, *("|" + "".join(line) + "|" for line in cells), edge]
