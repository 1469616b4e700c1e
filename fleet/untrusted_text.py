"""Printing text that devices have sent. A stolen device must not be able to control the technician's screen."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

_MAX_WIDTH = 10_000


def printable(text: str) -> Text:
    """Untrusted text for a table: brackets are no markup, and unprintable characters, as in escapes, become ``?``."""
    return Text("".join(character if character.isprintable() else "?" for character in text))


def print_table(table: Table) -> None:
    """Print a whole table. On a narrow screen its lines wrap, and no word is left out."""
    Console(width=_MAX_WIDTH, soft_wrap=True).print(table)
