"""From matplotlib's SVG to one that a page may contain: no inline style, no script, classes in place of colours."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET  # reads only what matplotlib has just written
from typing import Final

from dashboard.charts.palette import INKS

_SVG: Final = "{http://www.w3.org/2000/svg}"
_TEXT: Final = f"{_SVG}text"
_LINK: Final = "{http://www.w3.org/1999/xlink}href"
_DROPPED: Final = (f"{_SVG}metadata", f"{_SVG}style")
_FONT_SIZE: Final = re.compile(r"([\d.]+)px")
_REFERENCE: Final = re.compile(r"url\(#([^)]+)\)")
_FURTHER_DIGITS: Final = re.compile(r"(?<=\.\d)\d+")
"""After the first decimal. What is replaced by nothing needs no template, which would take a quarter of the time."""
_PAINTS: Final = ("fill", "stroke")

ET.register_namespace("", _SVG.strip("{}"))
ET.register_namespace("xlink", "http://www.w3.org/1999/xlink")


def page_svg(drawn: str, ident: str, title: str, description: str) -> str:
    """A drawing for the inside of a page.

    Args:
        drawn: What matplotlib wrote.
        ident: Begins every id in it, so that several drawings of a page do not mix them up.
        title: Its name, which screen readers say.
        description: What it shows, in words.
    """
    root = ET.fromstring(drawn)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in _DROPPED:
                parent.remove(child)
    for element in root.iter():
        if element.tag != _TEXT:
            element.text = None
        element.tail = None
        _restyle(element)
        _rename(element, ident)
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    heading, text = ET.Element(f"{_SVG}title", id=f"{ident}-title"), ET.Element(f"{_SVG}desc", id=f"{ident}-desc")
    heading.text, text.text = title, description
    root[:0] = [heading, text]
    root.set("role", "img")
    root.set("aria-labelledby", f"{ident}-title {ident}-desc")
    # What matplotlib's style element says of every element.
    root.set("stroke-linejoin", "round")
    root.set("stroke-linecap", "butt")
    return ET.tostring(root, encoding="unicode")


def _restyle(element: ET.Element) -> None:
    """Turn the element's style into attributes, and stand-ins into classes."""
    classes = []
    attributes = dict(_declarations(element.attrib.pop("style", "")))
    attributes |= {name: element.attrib[name] for name in _PAINTS if name in element.attrib}
    for name, value in attributes.items():
        if name in _PAINTS and (ink := INKS.get(value)) is not None:
            classes.append(ink.css)
            element.set(name, ink.colour)
        elif name == "font":
            if size := _FONT_SIZE.search(value):
                element.set("font-size", size[1])
        elif name != "font-family":  # the page has its own
            element.set(name, value)
    if classes:
        element.set("class", " ".join(dict.fromkeys(classes)))
    if "d" in element.attrib:
        element.set("d", " ".join(_FURTHER_DIGITS.sub("", element.attrib["d"]).split()))


def _declarations(style: str) -> list[tuple[str, str]]:
    pairs = (declaration.partition(":") for declaration in style.split(";"))
    return [(name.strip(), value.strip()) for name, _, value in pairs if value.strip()]


def _rename(element: ET.Element, ident: str) -> None:
    """Put the drawing's name before ids and where they are referred to; ids of mere groups go."""
    if element.tag == f"{_SVG}g":
        element.attrib.pop("id", None)
    for name, value in element.attrib.items():
        if name == "id":
            element.set(name, f"{ident}-{value}")
        elif name == _LINK and value.startswith("#"):
            element.set(name, f"#{ident}-{value[1:]}")
        elif "url(#" in value:
            element.set(name, _REFERENCE.sub(rf"url(#{ident}-\1)", value))
