"""What the pages work with, put together once."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import tzinfo
from functools import cached_property
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import HTMLResponse

from dashboard.access.access import Access
from dashboard.access.forms import form_token
from dashboard.history import History, Recorder
from dashboard.live.school import School
from dashboard.operator import Operator
from dashboard.settings import DashboardSettings, Language
from dashboard.timetable import Timetable
from dashboard.web.drawing import Charts
from dashboard.web.formats import zone_of
from dashboard.web.ids import address_of_page
from dashboard.web.language import COOKIE, chosen_language
from dashboard.web.templating import Templates
from dashboard.web.visitor import Gate, OpenGate, Visitor

THEMES = ("auto", "light", "dark")
THEME_COOKIE = "theme"


class StoreTrouble(NamedTuple):
    """Why nothing is stored at present.

    Attributes:
        reason: In the recorder's words.
        replaced: Whether another program records now; else what comes waits in memory.
    """

    reason: str
    replaced: bool


@dataclass
class Site:
    """The parts of the page.

    Attributes:
        settings: The page's settings.
        school: What is known now.
        templates: The pages' templates.
        gate: Who is let in.
        access: Accounts and the log; ``None`` for a page without a database.
        history: What is kept; ``None`` for a page without a database.
        recorder: Stores what comes; ``None`` for a page that stores nothing.
        timetable: The lessons; ``None`` without a timetable file.
        clock: Unix seconds now.
    """

    settings: DashboardSettings
    school: School
    templates: Templates
    gate: Gate = field(default_factory=OpenGate)
    access: Access | None = None
    history: History | None = None
    recorder: Recorder | None = None
    timetable: Timetable | None = None
    clock: Callable[[], float] = time.time

    @property
    def store_trouble(self) -> StoreTrouble | None:
        """Why nothing is stored at present; ``None`` where all is well."""
        if self.recorder is None or not self.recorder.problem:
            return None
        return StoreTrouble(self.recorder.problem, replaced=self.recorder.replaced)

    @cached_property
    def zone(self) -> tzinfo:
        """The school's time zone."""
        return zone_of(self.settings.page.time_zone)

    @cached_property
    def charts(self) -> Charts:
        """Draws charts of what is kept."""
        return Charts(self.zone, self.clock)

    @cached_property
    def operator(self) -> Operator:
        """Carries out operators' commands."""
        return Operator(self.settings, self.clock)

    def language_of(self, request: Request) -> Language:
        """The language for a browser."""
        accepted = request.headers.get("accept-language", "")
        return chosen_language(request.cookies.get(COOKIE), accepted, self.settings.page.language)

    def page(
        self, request: Request, visitor: Visitor, template: str, *, status: int = 200, **values: Any
    ) -> HTMLResponse:
        """A whole page as an answer."""
        theme = request.cookies.get(THEME_COOKIE)
        html = self.templates.render(
            self.language_of(request),
            template,
            visitor=visitor,
            theme=theme if theme in THEMES else "auto",
            path=request.scope["path"],
            here=address_of_page(request),
            form_token=form_token(self.gate.form_secret(request)),
            school_name=self.settings.page.school,
            **values,
        )
        return HTMLResponse(html, status)


def site_of(request: Request) -> Site:
    """The site that a request is made to."""
    site: Site = request.app.state.site
    return site
