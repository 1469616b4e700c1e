"""A lesson: its chart, its report, and its figures as a file."""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from dashboard.charts.lesson import Chart
from dashboard.history.database import DatabaseError
from dashboard.history.export import RoomSeries, as_csv, as_parquet
from dashboard.history.store import History
from dashboard.live.school import Room
from dashboard.report import Report, questions_for, report_of
from dashboard.settings import Language
from dashboard.web.pages.rooms import room_of
from dashboard.web.periods import Period, names_another_time, period_of, usual_period, weeks_before
from dashboard.web.site import Site, site_of
from dashboard.web.visitor import Visitor
from edge_agent.client import Device

_DAY_S: Final = 86400.0
_EARLIER_DAYS: Final = 60
_MAX_EARLIER: Final = 12
_SHOWN_LESSONS: Final = 12
_MEDIA_TYPES: Final = {"csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet"}


def chosen_period(site: Site, request: Request, room: Room, *, strict: bool = False) -> Period:
    """What the address names, else the lesson that goes on by the timetable, else the last 45 minutes.

    Where the room's first figures are later, it begins with them.

    Args:
        site: The page.
        request: What was asked for.
        room: Of which room.
        strict: Whether to refuse a time that cannot be used; else it counts as none.

    Raises:
        HTTPException: 400, where it is refused.
    """
    now = site.clock()
    named = period_of(request.query_params, now, site.zone)
    if strict and names_another_time(request.query_params, named):
        raise HTTPException(400, "period")
    if named is not None:
        return named
    for lesson in lessons_of(site, room, now, now):
        if lesson.start <= now <= lesson.end:
            return Period(lesson.start, now, open=True, title=lesson.title)
    return usual_period(now, _begin(site, room))


def _begin(site: Site, room: Room) -> float | None:
    if site.history is None:
        return None
    try:
        return site.history.begin(room.device)
    except DatabaseError:  # the room is shown all the same, and its chart says that nothing can be read
        return None


def lessons_of(site: Site, room: Room, start: float, end: float) -> list[Period]:
    """The room's lessons by the timetable that overlap a time."""
    if site.timetable is None:
        return []
    found = site.timetable.lessons(room.device, room.birth.room if room.birth else "", start, end + 1.0)
    return [Period(lesson.start, lesson.end, title=lesson.title) for lesson in found]


def chart_of(site: Site, room: Room, period: Period, language: Language, *, narrow: bool = False) -> Chart:
    """The chart of a room's lesson. It reads the database, so it belongs on a thread."""
    return site.charts.chart(
        history_of(site), room.device, period, language, site.templates.translator(language), narrow=narrow
    )


async def chart_part(request: Request, visitor: Visitor) -> Response:
    """The chart alone, for a page that is open."""
    site, room = site_of(request), await run_in_threadpool(room_of, request, visitor)
    history_of(site)
    period = await run_in_threadpool(chosen_period, site, request, room)
    narrow = request.query_params.get("narrow") == "1"
    language = site.language_of(request)
    chart = await run_in_threadpool(chart_of, site, room, period, language, narrow=narrow)
    html = site.templates.render(
        language, "parts/chart.html", chart=chart, room=room, period=period, zone=site.zone, narrow=narrow
    )
    return HTMLResponse(html)


async def report_page(request: Request, visitor: Visitor) -> Response:
    """The report of a lesson."""
    site, room = site_of(request), await run_in_threadpool(room_of, request, visitor)
    history = history_of(site)
    period = await run_in_threadpool(chosen_period, site, request, room, strict=True)
    language = site.language_of(request)
    report = await run_in_threadpool(_report, site, history, room, period)
    chart = await run_in_threadpool(chart_of, site, room, period, language)
    say = site.templates.translator(language)
    questions = [question.say(say) for question in questions_for(report, site.zone)]
    return site.page(
        request,
        visitor,
        "report.html",
        room=room,
        period=period,
        report=report,
        chart=chart,
        questions=questions,
        zone=site.zone,
        parquet=has_parquet(),
        narrow=False,
    )


async def export_file(request: Request, visitor: Visitor) -> Response:
    """The figures of a lesson as a file: what its chart shows, window by window."""
    kind = request.path_params["kind"]
    if kind not in _MEDIA_TYPES or (kind == "parquet" and not has_parquet()):
        raise HTTPException(404)
    site, room = site_of(request), await run_in_threadpool(room_of, request, visitor)
    history = history_of(site)
    period = await run_in_threadpool(chosen_period, site, request, room, strict=True)

    def content() -> bytes:
        rows = [RoomSeries(room.device, room.name, history.shares(room.device, period.start, period.end))]
        return as_csv(rows).encode() if kind == "csv" else as_parquet(rows)

    name = export_name(room.device, period.query(site.zone, ended=True)[5:15], kind)
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(await run_in_threadpool(content), media_type=_MEDIA_TYPES[kind], headers=headers)


def has_parquet() -> bool:
    """Whether the extra is installed that writes Parquet."""
    return find_spec("arro3") is not None


def history_of(site: Site) -> History:
    """What is kept; not found on a page that keeps nothing."""
    if site.history is None:
        raise HTTPException(404)
    return site.history


def shown_lessons(site: Site, room: Room) -> list[Period]:
    """The latest lessons of a room that its page offers, the newest first."""
    now = site.clock()
    return lessons_of(site, room, now - 7 * _DAY_S, now)[::-1][:_SHOWN_LESSONS]


def _report(site: Site, history: History, room: Room, period: Period) -> Report:
    earlier = [(history.shares(room.device, start, end), start, end) for start, end in _earlier(site, room, period)]
    series = history.shares(room.device, period.start, period.end)
    return report_of(series, period.start, period.end, earlier=earlier)


def _earlier(site: Site, room: Room, period: Period) -> list[tuple[float, float]]:
    """Earlier lessons to compare with: of the same title by the timetable, else the same time in earlier weeks."""
    if period.title:
        start = period.start - _EARLIER_DAYS * _DAY_S
        same = [one for one in lessons_of(site, room, start, period.start - 2.0) if one.title == period.title]
        return [(one.start, one.end) for one in same if one.end <= period.start][-_MAX_EARLIER:]
    return weeks_before(period, site.zone)


def export_name(device: Device, day: str, kind: str) -> str:
    """Of a file that a browser saves. A device names itself, so only letters, digits and dashes of it are taken."""
    safe = re.sub(r"[^A-Za-z0-9_]+", "-", device.id).strip("-")[:40]
    return f"{safe or 'room'}-{day}.{kind}"
