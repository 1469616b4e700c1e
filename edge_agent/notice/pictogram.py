"""The pictograms of the signs, as SVG: a camera that reads a face, and a photograph that is not taken."""

from __future__ import annotations

from typing import Final

_INK: Final = "#1b1b1b"
_RED: Final = "#c00000"
_LINE: Final = f'fill="none" stroke="{_INK}" stroke-width="7" stroke-linecap="round" stroke-linejoin="round"'


def pictogram(*, smiling: bool) -> str:
    """The pictogram, 480 by 170 units, without any text.

    Args:
        smiling: Whether the face smiles, as on the sign for children; else it is neutral.
    """
    mouth = "M 238 106 Q 260 128 282 106" if smiling else "M 242 112 L 278 112"
    parts = (
        # The camera: body, lens, mount.
        f'<rect x="14" y="48" width="96" height="64" rx="12" {_LINE}/>',
        f'<path d="M 110 66 L 140 54 L 140 106 L 110 94 Z" {_LINE}/>',
        f'<circle cx="46" cy="80" r="15" {_LINE}/>',
        f'<path d="M 62 112 L 62 146 M 32 146 L 92 146" {_LINE}/>',
        # What it looks at.
        f'<path d="M 160 80 L 190 80 M 180 70 L 190 80 L 180 90" {_LINE}/>',
        # A face between the corners of a frame.
        f'<circle cx="260" cy="84" r="46" {_LINE}/>',
        f'<circle cx="244" cy="72" r="5" fill="{_INK}"/>',
        f'<circle cx="276" cy="72" r="5" fill="{_INK}"/>',
        f'<path d="{mouth}" {_LINE}/>',
        f'<path d="M 204 50 L 204 26 L 228 26 M 292 26 L 316 26 L 316 50" {_LINE}/>',
        f'<path d="M 316 118 L 316 142 L 292 142 M 228 142 L 204 142 L 204 118" {_LINE}/>',
        # A photograph, crossed out.
        f'<rect x="360" y="42" width="100" height="84" rx="6" {_LINE}/>',
        f'<circle cx="434" cy="66" r="8" {_LINE}/>',
        f'<path d="M 366 118 L 392 78 L 412 104 L 424 92 L 450 118" {_LINE}/>',
        f'<path d="M 352 144 L 468 26" fill="none" stroke="{_RED}" stroke-width="12" stroke-linecap="round"/>',
    )
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 480 170">{"".join(parts)}</svg>'
