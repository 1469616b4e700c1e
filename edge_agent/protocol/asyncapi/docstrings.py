"""What the docstrings of the message types say, so that it need not be written twice."""

from __future__ import annotations

import re
from inspect import cleandoc

import msgspec

from edge_agent.protocol import messages as payloads

_REFERENCE = re.compile(r":\w+:`~?(?:[\w.]*\.)?(\w+)`")
_BORROWED = re.compile(r"^The other attributes are those of (.*?)\.$", re.MULTILINE | re.DOTALL)
_ATTRIBUTE = re.compile(r"^    (\w+): (.*(?:\n {5,}.*)*)", re.MULTILINE)


def summary_of(kind: type) -> str:
    """What a type is: its docstring without the list of attributes, one line a paragraph."""
    text = cleandoc(kind.__doc__ or "")
    text = _BORROWED.sub("", text)
    lines = []
    inside = False
    for line in text.splitlines():
        if line.rstrip() == "Attributes:":
            inside = True
        elif inside and line and not line.startswith(" "):
            inside = False
        if not inside:
            lines.append(line)
    paragraphs = re.split(r"\n\s*\n", "\n".join(lines).strip())
    return "\n\n".join(_plain(paragraph) for paragraph in paragraphs if paragraph.strip())


def fields_of(kind: type[msgspec.Struct]) -> dict[str, str]:
    """What each field means, by the name it has on the wire; fields nobody describes are left out."""
    described = _attributes(kind)
    return {
        field.encode_name: described[field.name] for field in msgspec.structs.fields(kind) if field.name in described
    }


def _attributes(kind: type) -> dict[str, str]:
    """Descriptions by attribute: the type's own, then those of its bases and of the types its docstring refers to."""
    text = cleandoc(kind.__doc__ or "")
    borrowed = _BORROWED.search(text)
    others = [getattr(payloads, name) for name in _REFERENCE.findall(borrowed[1])] if borrowed else []
    bases = [base for base in kind.__bases__ if issubclass(base, msgspec.Struct) and base is not msgspec.Struct]
    described: dict[str, str] = {}
    for other in reversed([*bases, *others]):
        described |= _attributes(other)
    _, _, block = text.partition("Attributes:\n")
    own = re.split(r"^\S", block, maxsplit=1, flags=re.MULTILINE)[0]
    return described | {name: _plain(words) for name, words in _ATTRIBUTE.findall(own)}


def _plain(text: str) -> str:
    """One line of Markdown in place of reStructuredText."""
    return " ".join(_REFERENCE.sub(r"`\1`", text).replace("``", "`").split())
