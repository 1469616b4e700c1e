"""Text of others, such as a native library, an exception or a program, shown without the secrets of addresses in it.

The text may be long and made to be slow to search, so each step looks at every character a few times at most.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from typing import Final

from edge_agent.addresses.credentials import HIDDEN, decoded, is_credential, without_credentials
from edge_agent.addresses.masking import AT, NOT_QUOTED

_SCHEME: Final = r"(?:rtsps?|https?|rtmps?|mqtts?|wss?|tcp|udp|ssh|s?ftp|file):[/\\]+"
_WITH_USER: Final = re.compile(rf"(?P<scheme>{_SCHEME}).*", re.IGNORECASE | re.DOTALL)
_ANY_SCHEME: Final = re.compile(r":[/\\]|[/\\]{2}")
_PLAIN_PLACE: Final = re.compile(r"(?:\[[0-9A-Fa-f:.%]*\]|[A-Za-z0-9._%-]*)(?::[0-9]*)?")
_NAMED_PASSWORD: Final = re.compile(r"(pass(?:word|wd)?|pwd|-pw|secret|token)=[^\s\"'&,;]+", re.IGNORECASE)
_NO_WORD: Final = re.compile(r"[\s\"'<>(]")
_WITHOUT_USER: Final = re.compile(rf"[\"'<(=]?{_SCHEME}{re.escape(HIDDEN)}@", re.IGNORECASE)
_SCHEME_END: Final = re.compile(r":[/\\]{2,}")
_SCHEME_LETTERS: Final = frozenset(string.ascii_letters + string.digits + "+.-")
_WORD: Final = re.compile(r"[^\s\"'<>]+")


def scrubbed(text: str, known: str = "") -> str:
    """A text of others, without the secrets of addresses in it.

    Args:
        text: What a library or an exception says.
        known: The address it is about; its parts are looked for, too.
    """
    for secret in _secrets_of(known):
        text = text.replace(secret, HIDDEN)
    text = "\n".join(map(_without_users, text.split("\n")))
    text = _WORD.sub(_without_user_alone, _with_addresses_shown(text))
    return _NAMED_PASSWORD.sub(rf"\1={HIDDEN}", text)


def _without_users(line: str) -> str:
    """A line without what is between the begin of an address and the last @."""
    end = _last_at(line) + 1
    before = _WITH_USER.sub(rf"\g<scheme>{HIDDEN}@", line[:end])
    found = _ANY_SCHEME.search(before)
    if found is not None:
        start = next((at + 1 for at in range(found.start() - 1, -1, -1) if _NO_WORD.match(before[at])), 0)
        if not _WITHOUT_USER.fullmatch(before, start):
            before = f"{before[:start]}{HIDDEN}@"
    return before + line[end:]


def _with_addresses_shown(text: str) -> str:
    """The text with each address as it may be shown."""
    parts: list[str] = []
    done = place = 0
    while (found := _SCHEME_END.search(text, place)) is not None:
        start, place = found.start(), found.end()
        while start > done and text[start - 1] in _SCHEME_LETTERS:
            start -= 1
        while start < found.start() and text[start] not in string.ascii_letters:
            start += 1
        if start < found.start():
            rest = _WORD.match(text, place)
            place = rest.end() if rest else place
            parts += text[done:start], _shown_in_text(text[start:place])
            done = place
    return "".join((*parts, text[done:]))


def _without_user_alone(found: re.Match[str]) -> str:
    """A word without what is before its last @, where that holds a password."""
    word = found[0]
    end = _last_at(word)
    separator = min((at for at in map(word.find, ":%/") if at >= 0), default=end)
    if separator >= end:
        return word
    return f"{word[: word.rfind('@', 0, separator) + 1]}{HIDDEN}@{word[end + 1 :]}"


def _last_at(text: str) -> int:
    """Place of the last @ of any width; -1 where there is none."""
    return max(map(text.rfind, AT))


def _shown_in_text(word: str) -> str:
    address = word.rstrip(".,:;)]}")
    after = word[len(address) :]
    scheme, separator, rest = address.partition("://")
    if not separator or "\\" in scheme:
        return NOT_QUOTED
    rest = rest.rpartition("@")[2]
    place, path = re.match(r"([^/?#]*)(.*)", rest, re.DOTALL).groups()  # type: ignore[union-attr]
    return f"{scheme}://{place if _PLAIN_PLACE.fullmatch(place) else HIDDEN}{without_credentials(path)}{after}"


def _secrets_of(address: str) -> list[str]:
    """Parts of an address that must not be seen, the longest first."""
    found: set[str] = set()
    if address:
        found.update((address, repr(address)[1:-1], ascii(address)[1:-1]))
        found.update(_user_parts(address))
        place = re.split("[/?#]", address.partition("://")[2], maxsplit=1)[0].rpartition("@")[2]
        found.update(part for part in place.split(":")[1:] if not part.isdecimal())  # in the place of a port
        parsed = re.split(r"[/?&;#]", address)
        for piece in parsed:
            name, _, value = piece.partition("=")
            if is_credential(name):
                found.add(value)
    with_decoded = found | {decoded(part) for part in found}
    return sorted((part for part in with_decoded if len(part) >= 4), key=len, reverse=True)


def _user_parts(address: str) -> Iterator[str]:
    before = re.split(f"[{AT}]", address)
    if len(before) > 1:
        user = re.sub(r"^[A-Za-z][A-Za-z0-9+.-]*:[/\\]+", "", address[: -len(before[-1]) - 1])
        yield user
        yield from re.split(r"[:@\uff1a]", user)
        yield from re.split(r"[:/@\\?#%\s]+", user)
