"""Printing what others wrote: a device that has fallen into wrong hands must not draw on the technician's screen."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

_WIDEST = 10_000


def printable(words: str) -> Text:
    """Words for a table, as they are: brackets are no markup, and what does not print, such as escape sequences, is
    shown as ``?``."""
    return Text("".join(sign if sign.isprintable() else "?" for sign in words))


def print_table(table: Table) -> None:
    """Print all of a table: on a narrow screen its lines go on in the next one, and no word is left out."""
    Console(width=_WIDEST, soft_wrap=True).print(table)
