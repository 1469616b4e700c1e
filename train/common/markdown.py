"""Markdown text for generated pages: paragraphs and list items in lines of at most 120 characters."""

from __future__ import annotations

import re
import textwrap

_WIDTH = 120
_UNBROKEN = re.compile(r"`[^`]*`|\[[^\]]*\]\([^)]*\)")
_JOINED = "\u00a0"


def paragraph(text: str) -> str:
    """Wrap a text; line breaks in it count as spaces."""
    return _wrapped(text, "", "")


def list_item(text: str) -> str:
    """Wrap a text as an item of a list; line breaks in it count as spaces."""
    return _wrapped(text, "- ", "  ")


def _wrapped(text: str, first: str, others: str) -> str:
    # Code and links stay in one line: code may be a command to type.
    joined = _UNBROKEN.sub(lambda piece: piece[0].replace(" ", _JOINED), " ".join(text.split()))
    lines = textwrap.wrap(
        joined,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=others,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(lines).replace(_JOINED, " ")
