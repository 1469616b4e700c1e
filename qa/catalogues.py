"""Brings the page's catalogues up to date with its texts: ``python -m qa.catalogues``.

New texts are added without a translation, and texts that no longer exist are dropped. ``--missing`` only lists what is
not translated, and fails where that is anything.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

from dashboard.settings import LANGUAGES
from edge_agent.protocol.problems import PROBLEMS

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "dashboard"
FOLDER = PACKAGE / "translations"
SOURCE = "en"
_WIDTH = 110
_NAME = re.compile(r"%\((\w+)\)[sd]|\{(\w+)\}")
_HEADER = (
    "# ",
    "#\n",
    "#, ",
    '"Project-Id',
    '"Report-',
    '"POT-',
    '"PO-Revision',
    '"Last-Translator',
    '"Language-Team',
    '"Generated-By',
)
"""Lines that say nothing, or change with each run."""


def texts() -> Catalog:
    """Every text of the page, in English."""
    found = Catalog(fuzzy=False)
    for file in sorted([*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.html")]):
        method = "python" if file.suffix == ".py" else "jinja2.ext:babel_extract"
        keywords = {"_": None, "gettext": None, "ngettext": (1, 2)}
        options = {"trimmed": "true", "newstyle_gettext": "true", "encoding": "utf-8"}
        with file.open("rb") as source:
            for _, message, _, _ in extract(method, source, keywords, (), options):
                found.add(message)
    for problem in PROBLEMS.values():
        found.add(problem.cause)
        found.add(problem.remedy)
    return found


def catalogue(language: str) -> Catalog:
    """The translations into a language."""
    with (FOLDER / f"{language}.po").open("rb") as file:
        return read_po(file, locale=language)


def missing(language: str) -> Iterator[str]:
    """Texts without a translation into a language, or with a translation that does not fit."""
    known = catalogue(language)
    for message in texts():
        if message.id:
            found = known.get(message.id)
            if found is None or not _complete(found) or found.fuzzy:
                yield str(message.id)
            elif _names(message.id) != _names(found.string or ""):
                yield f"{message.id}: other names in it than {sorted(_names(message.id))}"


def _complete(message: Message) -> bool:
    forms = message.string if isinstance(message.string, tuple | list) else (message.string,)
    return bool(forms) and all(forms)


def _names(text: str | Sequence[str]) -> set[str]:
    """What is put into a text, or into its last form: ``%(name)s`` and ``{name}``."""
    last = text if isinstance(text, str) else text[-1]
    return {"".join(found) for found in _NAME.findall(last)}


def update(language: str) -> None:
    """Write a language's catalogue with all texts of the page and no others."""
    known, current = catalogue(language), Catalog(locale=language, fuzzy=False)
    for message in texts():
        if message.id:
            old = known.get(message.id)
            current.add(message.id, old.string if old is not None and _complete(old) else "")
    out = io.BytesIO()
    write_po(out, current, width=_WIDTH, omit_header=False, sort_output=True, no_location=True)
    lines = out.getvalue().decode().splitlines()
    kept = [line for line in lines if line != "#" and not line.startswith(_HEADER)]
    (FOLDER / f"{language}.po").write_text("\n".join(kept).strip() + "\n", encoding="utf-8")


def main() -> None:
    """Update all catalogues, or list what is missing."""
    languages = [language for language in LANGUAGES if language != SOURCE]
    if "--missing" not in sys.argv[1:]:
        for language in languages:
            update(language)
    gaps = [f"{language}: {text}" for language in languages for text in missing(language)]
    sys.stdout.write("".join(f"{gap}\n" for gap in gaps))
    sys.exit(bool(gaps))


if __name__ == "__main__":
    main()
