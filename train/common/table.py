"""Tables as text: Markdown that also reads well in a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_MAX_WIDTH: Final = 120
"""In characters. The cells of a wider table are not filled up with spaces."""


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table, first column left-aligned, the others right-aligned; whole numbers get thousands separators."""
    cells = [list(header), *([_text(cell) for cell in row] for row in rows)]
    widths = [max(3, *(len(row[column]) for row in cells)) for column in range(len(header))]
    if sum(widths) + 3 * len(widths) + 1 > _MAX_WIDTH:
        widths = [3] * len(widths)
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    lines = [cells[0], rule, *cells[1:]]
    return "\n".join(
        "| " + " | ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]) + " |" for line in lines
    )


def _text(cell: object) -> str:
    return f"{cell:,}" if isinstance(cell, int) else str(cell)
