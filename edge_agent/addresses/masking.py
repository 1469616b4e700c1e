"""Addresses, paths and values of the settings, shown in messages and logs without what may be a secret.

Masking must not rely on parsing, since malformed addresses cause the errors that show them. So the rule is: what does
not parse is never quoted. Of what parses, user and password are left out, and so is every value whose name could be
that of a credential.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from edge_agent.addresses.credentials import HIDDEN, decoded, is_credential, without_credentials
from edge_agent.addresses.parsing import bracketed, parse_camera_url, parse_host
from edge_agent.errors import Rejected

NOT_QUOTED: Final = "(not shown: it may hold a password)"
"""Stands in messages for a value that cannot be understood."""


def shown_host(host: str) -> str:
    """The host for a message: quoted only where it is one."""
    return NOT_QUOTED if isinstance(parse_host(host), Rejected) else bracketed(host)


def shown_url(url: str) -> str:
    """An address for a message, without its secrets: all before the last @ is left out. What then does not parse is
    not quoted.
    """
    scheme, separator, rest = url.partition("://")
    address = parse_camera_url(scheme + separator + rest.rpartition("@")[2], "rtsp")
    return NOT_QUOTED if isinstance(address, Rejected) else str(address)


# Text of others: what a native library, an exception or a program says, in which an address may stand. It may be long
# and made to be slow to search, so each step looks at every character a few times at most.

_SCHEME: Final = r"(?:rtsps?|https?|rtmps?|mqtts?|wss?|tcp|udp|ssh|s?ftp|file):[/\\]+"
_AT: Final = "@\uff20\ufe6b"
_WITH_USER: Final = re.compile(rf"(?P<scheme>{_SCHEME}).*", re.IGNORECASE | re.DOTALL)
_ANY_SCHEME: Final = re.compile(r":[/\\]|[/\\]{2}")
_PLAIN_PLACE: Final = re.compile(r"(?:\[[0-9A-Fa-f:.%]*\]|[A-Za-z0-9._%-]*)(?::[0-9]*)?")
_NAMED_PASSWORD: Final = re.compile(r"(pass(?:word|wd)?|pwd|-pw|secret|token)=[^\s\"'&,;]+", re.IGNORECASE)
_LIKE_ADDRESS: Final = re.compile(r"[:\uff1a@].*[@\uff20\ufe6b]|[A-Za-z0-9+.-]{2}[:\uff1a]$")
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
    return max(map(text.rfind, _AT))


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
    before = re.split(r"[@\uff20\ufe6b]", address)
    if len(before) > 1:
        user = re.sub(r"^[A-Za-z][A-Za-z0-9+.-]*:[/\\]+", "", address[: -len(before[-1]) - 1])
        yield user
        yield from re.split(r"[:@\uff1a]", user)
        yield from re.split(r"[:/@\\?#%\s]+", user)


def looks_like_address(path: str) -> bool:
    """Whether what should be a file's path is an address or holds a user and password, by mistake."""
    path = decoded(path)
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:[/\\]|[/\\]{2}.*@", path):
        return True
    return not path.startswith("/") and re.search(r"[:\uff1a/].*[@\uff20\ufe6b]|[?&;].*=", path) is not None


def shown_path(path: str) -> str:
    """A path for a message; not quoted where it is an address, or may be a malformed one and is no file."""
    doubtful = not path.startswith("/") and re.search(
        rf"[@\uff20\ufe6b]|^[^/\\]{{2,}}[:\uff1a]|{_LISTED}", decoded(path)
    )
    like_address = looks_like_address(path) or is_address_by_mistake(Path(decoded(path)))
    quotable = path.isprintable() and not like_address and not doubtful
    return path if quotable or _exists(path) else NOT_QUOTED


def is_address_by_mistake(path: Path) -> bool:
    """Whether a file or folder that is to be made would have an address for its path."""
    return any(_LIKE_ADDRESS.search(part) or without_credentials(part) != part for part in path.parts)


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
    return any(kind.fullmatch(value) for kind in _HARMLESS) or _is_plain_address(value) or _exists(value)


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
    for text in (value, *map(str, (path, *path.parents)), path.suffix, *re.split("[@\uff20\ufe6b]", value)):
        if len(text) > 2 and not re.fullmatch(r"[A-Za-z+.-]+:", text) and not is_quotable(text):
            yield from (text, repr(text)[1:-1])


def shown_secret_path(path: str) -> str:
    """The path of a file with a secret, for a message. The secret itself, written there by mistake, is not quoted."""
    if shown_path(path) == NOT_QUOTED:
        return NOT_QUOTED
    place = Path(path)
    like_a_path = place.is_absolute() and len(place.parts) > 2
    return path if like_a_path or _exists(path) or (len(place.parts) > 1 and _exists(str(place.parent))) else NOT_QUOTED


def _exists(path: str) -> bool:
    try:
        Path(path).stat()
    except (OSError, ValueError):
        return False
    return True


_LISTED: Final = r"[^\d\s,;|][,;|][^\s]"
"""What a user name and a password may be put together with, but for a dot or blank."""
_PLAIN_VALUE: Final = re.compile(r"[A-Za-z0-9 _.,+/-]{0,40}")
_SECRET_KEYS: Final = re.compile(r"pass|secret|token|url|user|key|cert|host")


def shown_value(value: object, key: str) -> str:
    """A value of the settings that is refused, for a message. Text that may hold a secret is named, not quoted.

    Args:
        value: What was found.
        key: Where, for example ``$.camera.fps``.
    """
    kinds: tuple[tuple[type, str], ...] = ((dict, "a table"), (list, "a list"), (str, "text"), (bool, "true or false"))
    kind = next((words for kind, words in kinds if isinstance(value, kind)), "a number")
    in_place_of_table = isinstance(value, str) and key.count(".") < 2
    if (
        isinstance(value, dict | list)
        or in_place_of_table
        or (_SECRET_KEYS.search(key) and not isinstance(value, bool))
    ):
        return kind
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and not (_PLAIN_VALUE.fullmatch(value) and not re.search(_LISTED, value)):
        return f"{kind} {NOT_QUOTED}" if _could_hide(value) else repr(value)
    return repr(value)


def shown_key(name: str) -> str:
    """A key of the settings for a message; a text in the place of a key is not quoted."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]{1,40}", name) else NOT_QUOTED


def _could_hide(text: str) -> bool:
    doubtful = re.search(rf"[@:\\=\uff20\ufe6b]|{_LISTED}", text) is not None
    return len(text) > 64 or looks_like_address(text) or doubtful
