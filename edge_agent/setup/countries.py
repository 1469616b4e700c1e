"""From a country as people write it to the code that the declaration wants."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Final

from edge_agent.privacy.declaration_words import meant
from edge_agent.privacy.policy import understood

_ZONEINFO: Final = Path("/usr/share/zoneinfo")


def country_code(written: str, zoneinfo: Path = _ZONEINFO) -> str:
    """The code for a country's name; what was written where nothing is known.

    Args:
        written: ``Switzerland``, ``Schweiz``, ``ch``, ``US-CA`` ...
        zoneinfo: The system's time zone data, which have the English names of all countries.
    """
    return (
        understood("jurisdiction", written) or meant("jurisdiction", written) or _by_name(written, zoneinfo) or written
    )


def country_name(code: str, zoneinfo: Path = _ZONEINFO) -> str:
    """The English name of a country; empty where it is not known."""
    return dict(_table(zoneinfo / "iso3166.tab")).get(code.partition("-")[0], "")


def country_of_zone(zone: str, zoneinfo: Path = _ZONEINFO) -> str:
    """The country in which a time zone holds, as a code; empty where it is not one country's."""
    for code, rest in _table(zoneinfo / "zone.tab"):
        if zone in rest.split("\t"):
            return code
    return ""


def _by_name(written: str, zoneinfo: Path) -> str:
    wanted = _plain(written)
    return next((code for code, name in _table(zoneinfo / "iso3166.tab") if wanted and _plain(name) == wanted), "")


def _plain(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name.casefold())
    return "".join(char for char in letters if char.isalnum())


def _table(path: Path) -> list[tuple[str, str]]:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    rows = [line.split("\t", 1) for line in lines if not line.startswith("#")]
    return [(row[0], row[1]) for row in rows if len(row) == 2]
