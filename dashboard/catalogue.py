"""Marks the page's texts for the catalogues of its languages, wherever in the code they stand."""

from __future__ import annotations


def _(text: str) -> str:
    """Marks a text for the catalogues; it is translated where it is shown."""
    return text
