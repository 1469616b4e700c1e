"""A sign as an HTML page for A4 that needs nothing else: no script, no font, no picture from anywhere."""

from __future__ import annotations

from html import escape
from typing import Final

from edge_agent.notice.sign import Sign

_STYLE: Final = """
@page { size: A4; margin: 16mm }
body { font-family: Arial, Helvetica, sans-serif; color: #1b1b1b; background: #fff; line-height: 1.3;
       max-width: 178mm; margin: 0 auto; overflow-wrap: anywhere }
svg { display: block; height: 34mm; margin: 0 auto 5mm }
h1 { margin: 0 0 5mm; text-align: center; line-height: 1.15 }
p { margin: 0 0 2.6mm }
dl { margin: 4mm 0 0 }
dl div { display: flex; gap: 3mm; margin: 0 0 1.6mm }
dt { font-weight: bold; flex: 0 0 52mm }
dd { margin: 0; flex: 1; min-height: 1.2em }
dd.open { border-bottom: 0.3mm solid #1b1b1b }
footer { margin-top: 4mm; font-size: 9pt; color: #444 }
.adults { font-size: 13pt } .adults h1 { font-size: 25pt }
.children { font-size: 23pt } .children h1 { font-size: 36pt } .children p { margin-bottom: 7mm }
.children svg { height: 52mm }
"""


def html_sign(sign: Sign) -> str:
    """The page. Every text of the settings and of the school is escaped."""
    sentences = "\n".join(f"<p>{escape(sentence)}</p>" for sentence in sign.sentences)
    rows = "\n".join(
        f"<div><dt>{escape(label)}</dt><dd{'' if text else ' class=open'}>{escape(text)}</dd></div>"
        for label, text in sign.fields
    )
    fields = f"<dl>\n{rows}\n</dl>\n" if rows else ""
    svg = sign.svg.replace("<svg ", '<svg role="presentation" aria-hidden="true" ', 1)
    return (
        f'<!doctype html>\n<html lang="{sign.language}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(sign.title)}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f'<body class="{sign.audience}">\n<main>\n{svg}\n<h1>{escape(sign.title)}</h1>\n{sentences}\n{fields}</main>\n'
        f"<footer>{escape(sign.footer)}</footer>\n</body>\n</html>\n"
    )
