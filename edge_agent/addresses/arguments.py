"""Words of a command line, shown in messages without what may be a secret."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from edge_agent.addresses.credentials import without_credentials
from edge_agent.addresses.masking import AT, NOT_QUOTED, file_exists

UNQUOTED_FILE: Final = "an address, or the name of a file that is not there"
"""What messages say was received in the place of a file, where it is not ``is_quotable``."""


def without_arguments(message: str, arguments: Sequence[str]) -> str:
    """A message about a command line, without those arguments that are addresses with a secret, or may be.

    Args:
        message: What is to be printed.
        arguments: The command line.
    """
    forms = {form for word in arguments for value in _values(word) for form in _forms(value)}
    for form in sorted(forms, key=len, reverse=True):
        message = message.replace(form, NOT_QUOTED)
    return message


def is_quotable(argument: str) -> bool:
    """Whether a word of a command line may stand in a message: it is a file that is there, or holds no secret.

    What is none of the known harmless kinds may hold one: a mistyped address, or a password in the wrong place.
    """
    *_, value = _values(argument)
    return any(kind.fullmatch(value) for kind in _HARMLESS) or _is_plain_address(value) or file_exists(value)


def _values(argument: str) -> tuple[str, ...]:
    """A word of a command line and, where it is an option with its value, that value."""
    option, sign, value = argument.partition("=")
    return (argument, value) if sign and re.fullmatch(r"--[a-z][a-z-]*", option) else (argument,)


_HARMLESS: Final = tuple(
    re.compile(kind)
    for kind in (
        r"(?:[\w ._/+~()!'-]|, )*",  # a name or a path
        r"/(?:[\w ._/+~-]|:(?!/))*",  # of a device
        r"[A-Za-z0-9._/-]+@[A-Za-z0-9._/-]*[A-Za-z][A-Za-z0-9._/-]*",  # USER@HOST, photo@2x.png
        r"[A-Za-z0-9._-]+:[0-9]{1,5}",  # HOST:PORT
        r"[0-9.,:;TZ +-]+",  # numbers and times
        r"\[?[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(?:%[a-z0-9]+)?\]?(?::[0-9]{1,5})?",  # IPv6
        r"[A-Za-z0-9._/+-]*[+#*?]?",  # topics and patterns
    )
)


def _is_plain_address(argument: str) -> bool:
    place = r"[a-z]+://(?:[A-Za-z0-9._-]*|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?"
    whole = re.fullmatch(rf"{place}((?:/[\w._/~-]*)?(?:\?(?:[\w.~-]+=[\w.~-]*&?)*)?)", argument)
    return whole is not None and without_credentials(whole[1]) == whole[1]


def _forms(value: str) -> Iterator[str]:
    """How messages may quote an argument: as it is, as a path, its folder or ending, and the parts around an @."""
    path = Path(value)
    for text in (value, *map(str, (path, *path.parents)), path.suffix, *re.split(f"[{AT}]", value)):
        if len(text) > 2 and not re.fullmatch(r"[A-Za-z+.-]+:", text) and not is_quotable(text):
            yield from (text, repr(text)[1:-1])
