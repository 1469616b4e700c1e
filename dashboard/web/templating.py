"""Turns templates into HTML: one environment a language, everything escaped."""

from __future__ import annotations

from collections.abc import Callable
from datetime import tzinfo
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from dashboard.access.audit import Entry
from dashboard.access.details import said
from dashboard.settings import LANGUAGES, Language, PageSettings
from dashboard.web.figures import bar_of, css_of
from dashboard.web.formats import Formats, zone_of
from dashboard.web.ids import element_id, room_path
from dashboard.web.language import NAMES, catalogue, locale_of
from dashboard.web.periods import local_text
from dashboard.web.texts import (
    ACTION_NAMES,
    CAMERAS,
    CONDITIONS,
    EXPRESSIONS,
    ICONS,
    MENU,
    ROLE_NAMES,
    SOURCES,
    STATES,
    STORED_NAMES,
    TONES,
)
from edge_agent import __version__


class Templates:
    """The page's templates in all languages.

    Args:
        zone: The school's time zone.
        clock: Unix seconds now.
        names: What all templates may use, besides what they are given.
    """

    def __init__(self, zone: tzinfo, clock: Callable[[], float], names: dict[str, Any]) -> None:
        self._environments = {language: _environment(language, zone, clock, names) for language in LANGUAGES}

    def render(self, language: Language, template: str, **values: Any) -> str:
        """The HTML of a template."""
        return self._environments[language].get_template(template).render(**values)

    def translator(self, language: Language) -> Callable[[str], str]:
        """Translates texts of the catalogue into a language."""
        return catalogue(language).gettext


def _environment(language: Language, zone: tzinfo, clock: Callable[[], float], names: dict[str, Any]) -> Environment:
    environment = Environment(
        loader=PackageLoader("dashboard.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        extensions=["jinja2.ext.i18n"],
    )
    environment.policies["ext.i18n.trimmed"] = True
    texts = catalogue(language)
    environment.install_gettext_callables(  # type: ignore[attr-defined]
        texts.gettext, texts.ngettext, newstyle=True, pgettext=texts.pgettext, npgettext=texts.npgettext
    )
    formats = Formats(locale_of(language), zone)

    def detail_of(entry: Entry) -> str:
        """What stands in the log beside what somebody did; as it was stored where it cannot be translated."""
        if entry.parts is None:
            return entry.detail
        return said(
            entry.parts,
            translate=texts.gettext,
            time=formats.day_and_clock,
            count=lambda kind, number: f"{texts.gettext(STORED_NAMES.get(kind, kind))}: {formats.number(number)}",
            role=lambda role: texts.gettext(ROLE_NAMES[role]) if role in ROLE_NAMES else role,
        )

    environment.globals.update(
        format=formats, language=language, language_names=NAMES, now=clock, detail_of=detail_of, **names
    )
    return environment


def make_templates(page: PageSettings, clock: Callable[[], float]) -> Templates:
    """The templates with all names that they use."""
    names = {
        "conditions": CONDITIONS,
        "expressions": EXPRESSIONS,
        "icons": ICONS,
        "tones": TONES,
        "cameras": CAMERAS,
        "sources": SOURCES,
        "states": STATES,
        "bar_of": bar_of,
        "css_of": css_of,
        "menu": MENU,
        "role_names": ROLE_NAMES,
        "stored_names": STORED_NAMES,
        "action_names": ACTION_NAMES,
        "local_text": local_text,
        "element_id": element_id,
        "room_path": room_path,
        "version": __version__,
    }
    return Templates(zone_of(page.time_zone), clock, names)
