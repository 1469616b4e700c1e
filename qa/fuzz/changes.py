"""Inputs made from good ones by a few changes, drawn by Hypothesis."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from hypothesis import strategies as st

from qa.fuzz import CORPUS
from qa.fuzz.targets import Target

_PIECES: Final = (
    *(b"", b"\0", b"\xff", b"\xff" * 8, b"-1", b"1e999", b"9" * 40, b"9" * 5000, b"nan", b"-inf"),
    *(b'"', b"{", b"[" * 200, b"\n", b",", b"null", b"@", b"[]", b"{}", b'""', b"true", b"0", b"-0.0", b"2038-01-20"),
)
_TOKEN: Final = re.compile(rb'"[^"\n]*"|[\w.+-]+|[^\w\s]')


@cache
def good_inputs(target: Target) -> list[bytes]:
    """A reader's inputs to begin with, and those that atheris found worth keeping."""
    folder = CORPUS / target.name
    kept = sorted(folder.glob("*")) if folder.is_dir() else []
    return [*target.seeds(), *(path.read_bytes() for path in kept)]


@st.composite
def changed_inputs(draw: st.DrawFn, target: Target) -> bytes:
    """A good input of the reader with up to four changes, cut to the reader's ``max_bytes``.

    A change is one of: bytes put in place of others, a word or number replaced, or a line left out, written twice or
    moved.
    """
    content = draw(st.sampled_from(good_inputs(target)))
    for _ in range(draw(st.integers(0, 4))):
        change = draw(st.sampled_from((_bytes_changed, _bytes_changed, _token_changed, _line_moved)))
        content = draw(change(content))
    return content[: target.max_bytes]


@st.composite
def _bytes_changed(draw: st.DrawFn, content: bytes) -> bytes:
    at = draw(st.integers(0, len(content)))
    end = at + draw(st.sampled_from((0, 0, 1, 4, 50)))
    return content[:at] + draw(st.sampled_from(_PIECES) | st.binary(max_size=8)) + content[end:]


@st.composite
def _token_changed(draw: st.DrawFn, content: bytes) -> bytes:
    tokens = list(_TOKEN.finditer(content))
    if not tokens:
        return content
    token = draw(st.sampled_from(tokens))
    another = st.sampled_from(tokens).map(lambda match: match.group())
    written = st.sampled_from(_PIECES) | another | st.integers().map(lambda n: str(n).encode())
    return content[: token.start()] + draw(written) + content[token.end() :]


@st.composite
def _line_moved(draw: st.DrawFn, content: bytes) -> bytes:
    lines = content.splitlines(keepends=True)
    if not lines:
        return content
    line = lines.pop(draw(st.integers(0, len(lines) - 1)))
    for _ in range(draw(st.integers(0, 2))):
        lines.insert(draw(st.integers(0, len(lines))), line)
    return b"".join(lines)
