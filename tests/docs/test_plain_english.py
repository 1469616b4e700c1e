"""The hand-written documents: lines that fit a screen, and sentences that a reader can follow."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GENERATED = {"model-card.md", "model-card-tiny.md", "reproduction.md", "ablations.md", "settings.md"}
DOCUMENTS = sorted(
    [
        *ROOT.glob("*.md"),
        *(path for path in (ROOT / "docs").glob("*.md") if path.name not in GENERATED),
        *(ROOT / "docs" / "adr").glob("*.md"),
        ROOT / "docs" / "runs" / "README.md",
    ]
)
MAX_CHARACTERS = 120
MAX_WORDS = 40
CODE = re.compile(r"^( *)```.*?^\1```$", re.MULTILINE | re.DOTALL)
"""Blocks of code: a command or a recorded line cannot always be broken."""
TABLE_ROW = re.compile(r"^\s*\|.*$", re.MULTILINE)
PARAGRAPH_END = re.compile(r"\n\s*\n|\n(?=\s*(?:[-*>]|\d+\.) )")


def name(document: Path) -> str:
    return str(document.relative_to(ROOT))


def prose(text: str) -> Iterator[str]:
    """The paragraphs and list items, without code, tables, headings and the targets of links."""
    text = TABLE_ROW.sub("\n", CODE.sub("\n", text))
    text = re.sub(r"^(#| {4}\S).*$", "\n", text, flags=re.MULTILINE)
    text = re.sub(r"`[^`]+`", "code", text)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    for paragraph in PARAGRAPH_END.split(text):
        yield " ".join(paragraph.split())


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_no_line_is_longer_than_a_screen(document: Path) -> None:
    text = TABLE_ROW.sub("", CODE.sub("", document.read_text(encoding="utf-8")))
    assert [line for line in text.splitlines() if len(line) > MAX_CHARACTERS] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_no_sentence_is_too_long_to_follow(document: Path) -> None:
    paragraphs = prose(document.read_text(encoding="utf-8"))
    sentences = [sentence for paragraph in paragraphs for sentence in re.split(r"(?<=[.?!:;])\s+", paragraph)]
    assert [sentence for sentence in sentences if len(sentence.split()) > MAX_WORDS] == []
