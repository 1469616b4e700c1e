"""The chart of a lesson: shares of perceived expressions over time, people present, and what happened.

Where nothing is known, nothing is drawn. What was withheld and what came late look different from that.
"""

from __future__ import annotations

import io
import threading
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from dashboard.catalogue import _
from dashboard.charts import palette
from dashboard.charts.happenings import Happening, moment_text, without_letter
from dashboard.charts.happenings import happenings as happenings_of
from dashboard.charts.svg import page_svg
from dashboard.history.series import Marker, SharesSeries

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.path import Path

Say = Callable[[str], str]
"""A text in the language of the page."""

MAX_POINTS: Final = 240
"""More windows than that are not to be told apart on a screen; :func:`step_for` joins them."""
_STEPS_S: Final = (0, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14_400, 86_400)
_TICKS_MIN: Final = (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, *(10_080 * 2**n for n in range(6)))
_ROWS: Final = 24
_MIN_KNOWN: Final = 0.5
"""A row of the table has figures only if they cover so much of its time."""
_LEGEND_LETTERS: Final = 48
"""A longer text is cut in the legend, and on a narrow screen one that takes more than a row."""
_TEXT: Final = 11.0
"""Size of texts. A unit of the drawing is about a pixel on a narrow screen, and more on a wide one."""
_ROW: Final = 17.0
"""Height of a row of text."""
_LETTER: Final = 11.0
"""Size of a letter above the chart."""
_GLYPH: Final = 0.56
"""About how wide a glyph is, as a part of the size; browsers take fonts of their own."""
_SETTINGS: Final = {
    "svg.fonttype": "none",
    "svg.hashsalt": "chart",
    "hatch.linewidth": 0.7,
    "font.family": "sans-serif",
    "path.simplify": False,
    "text.parse_math": False,
}
_drawing = threading.Lock()
"""Matplotlib's settings are global, so charts are drawn one after the other."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing, and the same in words and numbers.

    Attributes:
        svg: For the inside of a page.
        description: What it shows, in a sentence or two.
        expressions: Names of the expressions in it, from below to above.
        happenings: What its letters mean, in the order of time.
        further: How many more things happened, later than those with letters.
        header: Of the table of data.
        rows: Of the table of data; empty cells where nothing is known.
    """

    svg: str
    description: str
    expressions: list[str]
    happenings: list[Happening]
    further: int
    header: list[str]
    rows: list[list[str]]


@dataclass(frozen=True, slots=True)
class _Size:
    """Of a drawing, in its units: of the margins, of the two parts and of what is between them; and how many times."""

    width: float
    left: float
    right: float
    shares: float
    between: float
    presence: float
    ticks: int


_WIDE: Final = _Size(width=720, left=58, right=26, shares=215, between=12, presence=64, ticks=10)
_NARROW: Final = _Size(width=300, left=60, right=24, shares=215, between=12, presence=64, ticks=4)
_PATCH: Final = 20.0


@dataclass(frozen=True, slots=True)
class _Entry:
    """An entry of the legend, and where it stands: from the left, and in which row."""

    text: str
    ink: palette.Ink
    edge: palette.Ink
    pattern: str
    x: float
    row: int


def step_for(start: float, end: float) -> float:
    """To how many seconds windows are to be joined for a chart of this time; 0 to join none."""
    wanted = (end - start) / MAX_POINTS
    return 0.0 if wanted <= 5 else float(next((step for step in _STEPS_S if step >= wanted), _STEPS_S[-1]))


def lesson_chart(
    series: SharesSeries,
    markers: Sequence[Marker],
    start: float,
    end: float,
    *,
    zone: tzinfo,
    say: Say = str,
    title: str = "",
    ident: str = "lesson",
    narrow: bool = False,
) -> Chart:
    """Draw a lesson.

    Args:
        series: The room's figures.
        markers: What happened.
        start: Begin of the chart, in seconds since 1970.
        end: Its end.
        zone: The school's time zone.
        say: Translates.
        title: The chart's name.
        ident: Begins every id in the drawing; different for each chart of a page.
        narrow: Whether to draw for a narrow screen.
    """
    happenings = happenings_of(markers, start, end, zone, say)
    names = palette.in_order(series.shares)
    description = _description(series, names, start, end, zone, say)
    with _drawing:
        drawn = _draw(series, names, happenings, start, end, zone, say, narrow=narrow)
    header = [say(_("Time")), say(_("People present")), *(say(name) for name in names)]
    return Chart(
        svg=page_svg(drawn, ident, title or say(_("Perceived expressions over time")), description),
        description=description,
        expressions=names,
        happenings=happenings,
        further=without_letter(markers, start, end),
        header=header,
        rows=_table(series, names, start, end, zone, say),
    )


def _draw(
    series: SharesSeries,
    names: list[str],
    happenings: list[Happening],
    start: float,
    end: float,
    zone: tzinfo,
    say: Say,
    *,
    narrow: bool,
) -> str:
    import matplotlib as mpl  # not at start: it takes a quarter of a second and 40 MB
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with mpl.rc_context({**_SETTINGS, "font.size": _TEXT}):
        size = _NARROW if narrow else _WIDE
        legend = _placed_legend(_legend(series, names, say), size.width - size.left - size.right)
        rows = 1 + max((entry.row for entry in legend), default=-1)
        letters = _letters(happenings, start, end, size.width - size.left - size.right)
        top = 18.0 if letters else 8.0
        axis = (2 if _has_days(start, end) else 1) * _ROW + 12.0
        bottom = axis + _ROW * rows
        height = top + size.shares + size.between + size.presence + bottom
        figure = Figure(figsize=(size.width / 72, height / 72))
        FigureCanvasSVG(figure)
        figure.patch.set_visible(False)

        def add_axes(low: float, tall: float) -> Axes:
            wide = size.width - size.left - size.right
            axes = figure.add_axes((size.left / size.width, low / height, wide / size.width, tall / height))
            _prepare(axes, start, end)
            axes.yaxis.set_label_coords((14 - size.left) / wide, 0.5)
            return axes

        presence = add_axes(bottom, size.presence)
        shares = add_axes(bottom + size.presence + size.between, size.shares)
        _draw_shares(shares, series, names, say)
        _draw_presence(presence, series, say)
        shares.set_xticks([])
        _draw_times(presence, start, end, zone, ticks=size.ticks)
        for axes in (shares, presence):
            low, high = axes.get_ylim()
            lines = [[(happening.at, low), (happening.at, high)] for happening in happenings]
            _draw_lines(axes, lines, palette.MARKER, 0.9, dashed=True)
        _draw_letters(shares, letters, size.shares)
        _draw_legend(figure, legend, size.left, _ROW * rows)
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return out.getvalue()


def _prepare(axes: Axes, start: float, end: float) -> None:
    axes.set_xlim(start, max(end, start + 1.0))
    axes.patch.set_visible(False)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_edgecolor(palette.AXIS.stand_in)
        spine.set_linewidth(0.8)
    axes.tick_params(color=palette.AXIS.stand_in, labelcolor=palette.TEXT.stand_in, length=3, width=0.8)
    axes.tick_params(axis="x", pad=7)


def _letters(happenings: list[Happening], start: float, end: float, width: float) -> list[tuple[float, str]]:
    """What stands above the chart, and when. Letters that have no room beside one another are one text, as ``B–E``."""
    groups: list[list[Happening]] = []
    for happening in happenings:
        groups.append([happening])
        while len(groups) > 1 and _meet(groups[-2], groups[-1], width / max(end - start, 1.0)):
            groups[-2:] = [groups[-2] + groups[-1]]
    return [(_middle(group), _joined(group)) for group in groups]


def _meet(first: list[Happening], second: list[Happening], scale: float) -> bool:
    room = sum(_LETTER * (1.1 if len(group) == 1 else 2.8) for group in (first, second)) / 2
    return (_middle(second) - _middle(first)) * scale < room


def _middle(group: list[Happening]) -> float:
    return (group[0].at + group[-1].at) / 2


def _joined(group: list[Happening]) -> str:
    return group[0].letter if len(group) == 1 else f"{group[0].letter}–{group[-1].letter}"


def _draw_letters(axes: Axes, letters: list[tuple[float, str]], tall: float) -> None:
    color = palette.TEXT.stand_in
    for at, text in letters:
        axes.text(at, 1 + 8.0 / tall, text, ha="center", va="center", color=color, size=_LETTER)


# What is drawn is added as it is: matplotlib's own ways also look for the limits of the axes, which are known here.
# All that looks the same is one element: a month has hundreds of stretches, and each element costs time.

_Points = Sequence[tuple[float, float]]


def _draw_lines(axes: Axes, lines: Sequence[_Points], ink: palette.Ink, width: float, *, dashed: bool = False) -> None:
    from matplotlib.patches import PathPatch

    if lines:
        style = (0, (3, 2)) if dashed else "-"
        path = _path(lines, closed=False)
        axes.add_artist(
            PathPatch(
                path,
                fill=False,
                edgecolor=ink.stand_in,
                linewidth=width,
                linestyle=style,
                capstyle="butt",
                joinstyle="round",
                zorder=5,
            )
        )


def _draw_areas(axes: Axes, outlines: Sequence[_Points], **style: Any) -> None:
    from matplotlib.patches import PathPatch

    if outlines:
        axes.add_artist(PathPatch(_path(outlines, closed=True), **style))


def _path(parts: Sequence[_Points], *, closed: bool) -> Path:
    """Lines or outlines as one path."""
    from matplotlib.path import Path

    points: list[tuple[float, float]] = []
    codes: list[Any] = []
    for part in parts:
        points += part
        codes += [Path.MOVETO, *[Path.LINETO] * (len(part) - 1)]
        if closed:
            points.append(part[0])
            codes.append(Path.CLOSEPOLY)
    return Path(points, codes)


def _bands(axes: Axes, spans: Sequence[tuple[float, float]], bottom: float = 0.0) -> list[_Points]:
    """Outlines of bands over the height of the axes, or its part above a share of it."""
    low, high = axes.get_ylim()
    low += bottom * (high - low)
    return [[(first, low), (last, low), (last, high), (first, high)] for first, last in spans]


def _draw_shares(axes: Axes, series: SharesSeries, names: list[str], say: Say) -> None:
    axes.set_ylim(0, 1)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
    axes.grid(axis="y", color=palette.GRID.stand_in, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_ylabel(say(_("Shares")), color=palette.TEXT.stand_in)
    _draw_gaps(axes, series)
    outlines: dict[str, list[_Points]] = {name: [] for name in names}
    for run in _runs(series, lambda place: any(values[place] is not None for values in series.shares.values())):
        times = _edges(series, run)
        below = [0.0] * len(times)
        for name in names:
            values = [series.shares[name][place] or 0.0 for place in run]
            if not any(values):
                continue
            heights = [values[0], *values, values[-1]]
            above = [min(low + height, 1.0) for low, height in zip(below, heights, strict=True)]
            outlines[name].append(
                [*zip(times, above, strict=True), *zip(reversed(times), reversed(below), strict=True)]
            )
            below = above
    for name in names:
        _draw_areas(
            axes,
            outlines[name],
            facecolor=palette.area(name).stand_in,
            edgecolor=palette.HATCH.stand_in,
            hatch=palette.pattern(name) or None,
            linewidth=0.6,
            zorder=2,
        )
    late = _spans(series, lambda place: series.late[place] and series.faces[place] is not None)
    _draw_areas(
        axes,
        _bands(axes, late, bottom=0.965),
        facecolor=palette.LATE.stand_in,
        edgecolor=palette.MARKER.stand_in,
        hatch="////",
        linewidth=0.5,
        zorder=4,
    )


def _draw_gaps(axes: Axes, series: SharesSeries) -> None:
    withheld = _spans(series, lambda place: series.faces[place] is None)
    _draw_areas(axes, _bands(axes, withheld), facecolor=palette.GAP.stand_in, linewidth=0, zorder=1)


def _draw_presence(axes: Axes, series: SharesSeries, say: Say) -> None:
    highest = max((faces for faces in series.faces if faces is not None), default=0) or 1
    axes.set_ylim(0, highest * 1.15)
    axes.set_yticks([0, highest], ["0", f"{'≈ ' if any(series.approximate) else ''}{highest}"])
    axes.grid(axis="y", color=palette.GRID.stand_in, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_ylabel(say(_("People")), color=palette.TEXT.stand_in)
    _draw_gaps(axes, series)
    lines = []
    for run in _runs(series, lambda place: series.faces[place] is not None):
        faces = [float(series.faces[place] or 0) for place in run]
        lines.append([*zip(_edges(series, run), [faces[0], *faces, faces[-1]], strict=True)])
    _draw_lines(axes, lines, palette.PRESENCE, 1.6)


def _has_days(start: float, end: float) -> bool:
    """Whether times need the day as well."""
    return end - start > 86_400


def _draw_times(axes: Axes, start: float, end: float, zone: tzinfo, ticks: int) -> None:
    minutes = (end - start) / 60
    every = next((step for step in _TICKS_MIN if minutes / step <= ticks), _TICKS_MIN[-1])
    begin = datetime.fromtimestamp(start, zone)
    at = begin.replace(hour=0, minute=0, second=0, microsecond=0)
    if every >= 1440 and every % 10_080 == 0:
        at -= timedelta(days=at.weekday())
    places, texts = [], []
    before = None
    while at.timestamp() <= end:
        if at.timestamp() >= start:
            plain = f"{at.day}.{at.month}." if every >= 1440 else f"{at:%H:%M}"
            new_day = every < 1440 and _has_days(start, end) and at.date() != before
            places.append(at.timestamp())
            texts.append(f"{plain}\n{at.day}.{at.month}." if new_day else plain)
            before = at.date()
        at += timedelta(minutes=every)  # the wall clock's minutes, also where its offset changes
    axes.set_xticks(places, texts)


def _legend(series: SharesSeries, names: list[str], say: Say) -> list[tuple[str, palette.Ink, palette.Ink, str]]:
    """What the legend says: text, colour of the patch, of its edge, and its pattern."""
    entries = [(say(name), palette.area(name), palette.HATCH, palette.pattern(name)) for name in names]
    if None in series.faces:
        entries.append((say(_("withheld, or camera closed")), palette.GAP, palette.AXIS, ""))
    if any(series.late):
        entries.append((say(_("came late")), palette.LATE, palette.MARKER, "////"))
    return entries


def _placed_legend(entries: list[tuple[str, palette.Ink, palette.Ink, str]], width: float) -> list[_Entry]:
    """The entries one after the other, in as many rows as they need. Matplotlib's own takes a fifth of the time."""
    placed: list[_Entry] = []
    x, row = 0.0, 0
    letters = min(_LEGEND_LETTERS, int((width - _PATCH - 5) / (_GLYPH * _TEXT)))
    for text, ink, edge, pattern in entries:
        short = text if len(text) <= letters else f"{text[: letters - 1]}…"
        needed = _PATCH + 5 + _GLYPH * _TEXT * len(short)
        if x and x + needed > width:
            x, row = 0.0, row + 1
        placed.append(_Entry(short, ink, edge, pattern, x, row))
        x += needed + 14
    return placed


def _draw_legend(figure: Figure, entries: list[_Entry], left: float, height: float) -> None:
    from matplotlib.patches import Rectangle

    wide, tall = (72 * inches for inches in figure.get_size_inches())
    for entry in entries:
        x, y = left + entry.x, height - _ROW * (entry.row + 0.5)
        box = Rectangle(
            (x / wide, (y - 5) / tall),
            _PATCH / wide,
            10 / tall,
            transform=figure.transFigure,
            facecolor=entry.ink.stand_in,
            edgecolor=entry.edge.stand_in,
            hatch=entry.pattern or None,
            linewidth=0.6,
        )
        figure.add_artist(box)
        color = palette.TEXT.stand_in
        figure.text((x + _PATCH + 5) / wide, y / tall, entry.text, va="center", color=color)


def _runs(series: SharesSeries, holds: Callable[[int], bool]) -> list[list[int]]:
    """Places of entries that follow one another without a gap, and for all of which something holds.

    A gap is where at least a whole window is missing.
    """
    runs: list[list[int]] = []
    for place in range(len(series.at)):
        if not holds(place):
            continue
        if runs and runs[-1][-1] == place - 1 and not _gap_before(series, place):
            runs[-1].append(place)
        else:
            runs.append([place])
    return runs


def _gap_before(series: SharesSeries, place: int) -> bool:
    between = series.at[place] - series.window_s[place] - series.at[place - 1]
    return between >= 0.9 * max(series.window_s[place], series.window_s[place - 1])


def _edges(series: SharesSeries, run: list[int]) -> list[float]:
    """Times of a run's values: the middle of each window, and before and after them the run's ends."""
    middles = [series.at[place] - series.window_s[place] / 2 for place in run]
    return [series.at[run[0]] - series.window_s[run[0]], *middles, series.at[run[-1]]]


def _spans(series: SharesSeries, holds: Callable[[int], bool]) -> list[tuple[float, float]]:
    """From when to when something holds."""
    return [(series.at[run[0]] - series.window_s[run[0]], series.at[run[-1]]) for run in _runs(series, holds)]


def _description(series: SharesSeries, names: list[str], start: float, end: float, zone: tzinfo, say: Say) -> str:
    """What the drawing shows, for those who do not see it."""
    since, until = (moment_text(at, start, end, zone) for at in (start, end))
    known_s = sum(seconds for seconds, faces in zip(series.window_s, series.faces, strict=True) if faces is not None)
    part = round(100 * min(1.0, known_s / max(end - start, 1.0)))
    text = say(_("From {since} to {until}. Figures are there for {part} % of this time.")).format(
        since=since, until=until, part=part
    )
    means = {name: _mean(series.shares[name]) for name in names}
    if highest := max(means, key=lambda name: means[name], default=""):
        largest = say(_("The largest share on average is {name} with {share} %."))
        text += " " + largest.format(name=say(highest), share=round(100 * means[highest]))
    if any(series.approximate):
        text += " " + say(_("Numbers of people and shares are rough on purpose."))
    return text


def _mean(values: list[float | None]) -> float:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else 0.0


def _table(series: SharesSeries, names: list[str], start: float, end: float, zone: tzinfo, say: Say) -> list[list[str]]:
    """Means of stretches of the chart; where a stretch has no figures, its cells say so."""
    stretch_s = next((step for step in _STEPS_S[4:] if (end - start) / step <= _ROWS), _STEPS_S[-1])
    edges = [start]
    while edges[-1] < end:
        edges.append(min(edges[-1] + stretch_s, end))
    rows = []
    for first, last in pairwise(edges):
        places = range(bisect_right(series.at, first), bisect_right(series.at, last))
        known = [faces for place in places if (faces := series.faces[place]) is not None]
        seen_s = sum(series.window_s[place] for place in places)
        known_s = sum(series.window_s[place] for place in places if series.faces[place] is not None)
        time = moment_text(first, start, end, zone)
        if known_s < _MIN_KNOWN * (last - first) or not known:
            missing = seen_s < _MIN_KNOWN * (last - first)
            rows.append([time, say(_("no data")) if missing else say(_("withheld")), *("" for _name in names)])
            continue
        shares = [[value for place in places if (value := series.shares[name][place]) is not None] for name in names]
        cells = [f"{round(100 * sum(values) / len(values))} %" if values else "" for values in shares]
        people = str(round(sum(known) / len(known)))
        about = any(series.approximate[place] for place in places if series.faces[place] is not None)
        rows.append([time, f"{say(_('about'))} {people}" if about else people, *cells])
    return rows
