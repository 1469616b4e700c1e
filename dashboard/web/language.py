"""The page's languages: catalogues, and which one a browser gets."""

from __future__ import annotations

import io
from functools import cache
from importlib.resources import files
from typing import Final

from babel import Locale, negotiate_locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

from dashboard.settings import LANGUAGES, Language

NAMES: Final[dict[Language, str]] = {
    "en": "English",
    "de": "Deutsch",
    "fr": "Français",
    "es": "Español",
    "id": "Bahasa Indonesia",
}
COOKIE: Final = "language"


@cache
def catalogue(language: Language) -> NullTranslations:
    """The texts in a language; English is the source and has none."""
    if language == "en":
        return NullTranslations()
    source = files("dashboard") / "translations" / f"{language}.po"
    compiled = io.BytesIO()
    with source.open("rb") as file:
        write_mo(compiled, read_po(file, locale=language))
    compiled.seek(0)
    return Translations(compiled)


def locale_of(language: Language) -> Locale:
    """How dates and numbers are written; English as in Europe, with the day before the month."""
    return Locale.parse("en_GB" if language == "en" else language)


def chosen_language(cookie: str | None, accepted: str, default: Language) -> Language:
    """The language for a browser.

    Args:
        cookie: What was chosen on the page before.
        accepted: The header ``Accept-Language``.
        default: Where neither names a language that the page has.
    """
    for language in LANGUAGES:
        if language == cookie:
            return language
    found = negotiate_locale(_preferred(accepted), LANGUAGES, sep="-")
    for language in LANGUAGES:
        if language == (found or "").split("-")[0]:
            return language
    return default


def _preferred(accepted: str) -> list[str]:
    """The languages of an ``Accept-Language``, the most wanted first."""
    wanted: list[tuple[float, str]] = []
    for part in accepted[:500].split(","):
        name, _, parameters = part.strip().partition(";")
        try:
            weight = float(parameters.strip().removeprefix("q=")) if parameters else 1.0
        except ValueError:
            continue
        if name and weight > 0:
            wanted.append((-weight, name.split("-")[0].lower()))
    return [name for _, name in sorted(wanted, key=lambda item: item[0])]
