"""A sign as a PDF of A4 pages, in the largest type that fits one page. Needs the extra ``notice``."""

from __future__ import annotations

import io
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from fpdf import FPDF
from fpdf.enums import XPos, YPos

from edge_agent.notice.sign import Sign

_FONT: Final = "helvetica"
"""One of the fonts that every PDF reader has: they reach the five languages, and nothing has to be embedded."""
_ENCODING: Final = "cp1252"
_WIDTH_MM, _HEIGHT_MM, _MARGIN_MM = 210.0, 297.0, 16.0
_LABEL_MM: Final = 54.0
_PT_MM: Final = 0.3528
_MAX_PT: Final = {"adults": 17.0, "children": 30.0}
_MIN_PT: Final = 9.0
_STEP_PT: Final = 0.5


@dataclass(frozen=True, slots=True)
class PdfSign:
    """A PDF.

    Attributes:
        content: The file.
        replaced: Characters of names that the fonts do not have, and for which the nearest letters stand.
    """

    content: bytes
    replaced: frozenset[str]


def pdf_sign(sign: Sign, made_at: datetime) -> PdfSign:
    """The sign as a PDF. What does not fit one page even in the smallest type goes on to a second.

    Args:
        sign: What it says.
        made_at: The date that the file carries.
    """
    size = _MAX_PT[sign.audience]
    document = _draw(sign, size, made_at)
    while document.page > 1 and size > _MIN_PT:
        size -= _STEP_PT
        document = _draw(sign, size, made_at)
    return PdfSign(bytes(document.output()), frozenset(document.replaced))


class _Document(FPDF):
    """An A4 page with the project's margins, which notes what its fonts cannot show."""

    def __init__(self) -> None:
        super().__init__(format="A4", unit="mm")
        self.core_fonts_encoding = _ENCODING  # by itself fpdf2 takes Latin-1, without curly quotes and the euro sign
        self.replaced: set[str] = set()
        self.set_margin(_MARGIN_MM)
        self.set_auto_page_break(True, _MARGIN_MM)
        self.add_page()

    def shown(self, text: str) -> str:
        """The text in characters that the fonts have."""
        return "".join(map(self._letter, text))

    def _letter(self, letter: str) -> str:
        for candidate in (letter, unicodedata.normalize("NFKD", letter)[:1]):
            try:
                candidate.encode(_ENCODING)
            except UnicodeEncodeError:
                continue
            if candidate != letter:
                self.replaced.add(letter)
            return candidate
        self.replaced.add(letter)
        return "?"

    def lines(self, text: str, size: float, *, bold: bool = False, centred: bool = False, width: float = 0) -> None:
        """Text over as many lines as it needs, then the next line begins at the left."""
        self.set_font(_FONT, "B" if bold else "", size)
        self.multi_cell(
            width,
            size * _PT_MM * 1.25,
            self.shown(text),
            align="C" if centred else "L",
            new_x=XPos.LMARGIN,
            new_y=YPos.NEXT,
        )


def _draw(sign: Sign, size: float, made_at: datetime) -> _Document:
    page = _Document()
    page.set_title(page.shown(sign.title))
    page.set_lang(sign.language)
    page.set_creation_date(made_at)
    height = 34.0 if sign.audience == "adults" else 52.0
    width = height * 480 / 170
    page.image(io.BytesIO(sign.svg.encode()), x=(_WIDTH_MM - width) / 2, y=_MARGIN_MM, w=width, h=height)
    page.set_y(_MARGIN_MM + height + 4)
    page.lines(sign.title, min(size * 1.75, 40), bold=True, centred=True)
    page.ln(size * 0.25)
    for sentence in sign.sentences:
        page.lines(sentence, size)
        page.ln(size * (0.14 if sign.audience == "adults" else 0.26))
    page.ln(size * 0.1)
    for label, text in sign.fields:
        _field(page, label, text, size)
    page.ln(2)
    page.lines(sign.footer, 8)
    return page


def _field(page: _Document, label: str, text: str, size: float) -> None:
    top, number = page.get_y(), page.page
    page.lines(label, size, bold=True, width=_LABEL_MM)
    below, ended = page.get_y(), page.page
    if ended != number:  # the label went over to the next page: so does its text
        top = page.t_margin
    page.set_xy(_MARGIN_MM + _LABEL_MM, top)
    if text:
        page.lines(text, size)
    else:
        baseline = top + size * _PT_MM * 1.2
        page.line(_MARGIN_MM + _LABEL_MM, baseline, _WIDTH_MM - _MARGIN_MM, baseline)
        page.set_y(baseline + 1)
    if page.page == ended:
        page.set_y(max(below, page.get_y()))
    page.set_y(page.get_y() + size * 0.1)
