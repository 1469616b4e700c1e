"""JSON and TOML from others, read into types of msgspec. Every command imports this.

msgspec looks at a type when it first meets it, and calls Python meanwhile. Where another thread meets the same type in
this moment, the process ends with SIGSEGV (seen with msgspec 0.23 on Python 3.11, above all on slow machines). So all
types are met here, one at a time.
"""

from __future__ import annotations

import threading
from typing import Any, Final, TypeVar

import msgspec

T = TypeVar("T")

UNDECODABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises at JSON that is broken, of another shape, not UTF-8, or nested without end."""

_meeting: Final = threading.RLock()
_decoders: Final[dict[Any, msgspec.json.Decoder[Any]]] = {}


def json_decoder(kind: type[T]) -> msgspec.json.Decoder[T]:
    """The decoder of a type, made once. Any thread may use it."""
    decoder = _decoders.get(kind)
    if decoder is None:
        with _meeting:
            decoder = _decoders.get(kind) or msgspec.json.Decoder(kind)
            _decoders[kind] = decoder
    return decoder


def decode_json(content: bytes | str, kind: type[T]) -> T:
    """Read JSON as a type.

    Raises:
        msgspec.DecodeError: It is no JSON, or of another shape; see :data:`UNDECODABLE` for what else may be raised.
    """
    return json_decoder(kind).decode(content)


def convert(raw: Any, kind: type[T]) -> T:
    """Turn what a parser gave, such as tables and arrays, into a type.

    Raises:
        msgspec.ValidationError: It is of another shape.
    """
    with _meeting:
        msgspec.json.Decoder(kind)
    return msgspec.convert(raw, kind)
