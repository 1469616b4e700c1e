"""Addresses of cameras and brokers: judged before they are used, and shown without what may be a secret.

Masking must not rely on parsing, since malformed addresses cause the errors that show them. So the rule is: what does
not parse is never quoted. Of what parses, user and password are left out, and so is every value whose name could be
that of a credential.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote

from edge_agent.errors import AgentError, Rejected

NOT_QUOTED: Final = "(not shown: it may hold a password)"
"""Stands in messages for a value that cannot be understood."""

HIDDEN: Final = "..."

STREAM_PORTS: Final[Mapping[str, Mapping[str, int]]] = {
    "rtsp": {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443, "rtmp": 1935, "rtmps": 443},
    "http": {"http": 80, "https": 443},
    "snapshot": {"http": 80, "https": 443},
}
"""The kinds of address that each source of frames takes, with their usual ports."""

EXAMPLES: Final[Mapping[str, str]] = {
    "rtsp": "rtsp://camera.local/stream",
    "http": "http://camera.local:81/stream",
    "snapshot": "http://camera.local/capture",
}

HOW_TO_WRITE: Final = (
    "Correct it. In a user name or password, percent-encode # ? % : / @ "
    "(%23 %3F %25 %3A %2F %40), or use camera.username and camera.password_file"
)

_ADDRESS: Final = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?:(?P<user>[^@:/?#]*)(?::(?P<password>[^@/?#]*))?@)?"
    r"(?P<host>\[[^\[\]@/?#]*\]|[^\[\]@:/?#]*)(?::(?P<port>[0-9]{1,5}))?(?P<rest>[/?][^@#]*)?"
)
_UNRESERVED: Final = "A-Za-z0-9._~!$&'()*+,;=:@/?#%|{}\\[\\]-"
_NO_ADDRESS_CHARACTER: Final = re.compile(f"[^{_UNRESERVED}]")
_BAD_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ESCAPED_CONTROL: Final = re.compile(r"%(?:[01][0-9A-Fa-f]|7[Ff])")

_CREDENTIAL: Final = re.compile(
    r"us(?:e?)r|log_?-?[io]n|acc(?:oun)?t|pass|pwd|psw|p_?w(?![a-z])|psk|pin(?![a-z])|tok(?:en|(?![a-z]))|auth|key|secret"
    r"|sig|sess|sid(?![a-z])|cred|jwt|bearer|cookie|ticket|licen[cs]e|nonce|digest|otp|code(?!c)|hash|access|priv"
)
_NO_CREDENTIAL: Final = re.compile(r"monkey|donkey|turkey|hockey|keyframe|signal|axis-media")

_MAX_HOST: Final = 253
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Address:
    """An address that parses. As text it is fit for a log; :meth:`complete` gives the one to open.

    Attributes:
        scheme: In small letters.
        host: Name or address; IPv6 without brackets.
        port: TCP port; the scheme's usual one where none is written.
        username: Decoded; empty for none.
        password: Decoded; empty for none.
        rest: Path and query as they are written, or empty.
        port_written: Whether the port is written.
    """

    scheme: str
    host: str
    port: int
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    rest: str = field(default="", repr=False)
    port_written: bool = False

    def __str__(self) -> str:
        return f"{self.origin}{without_credentials(self.rest)}"

    @property
    def origin(self) -> str:
        """Scheme, host and, where it is written, port."""
        return f"{self.scheme}://{bracketed(self.host)}" + (f":{self.port}" if self.port_written else "")

    @property
    def target(self) -> str:
        """What an HTTP request asks for: path and query."""
        return self.rest if self.rest.startswith("/") else f"/{self.rest}"

    def with_credentials(self, username: str, password: str) -> Address:
        """The same address with another user."""
        return replace(self, username=username, password=password)

    def complete(self) -> str:
        """The whole address with user and password, percent-encoded. Only for who opens it."""
        user = ""
        if self.username or self.password:
            user = quote(self.username, safe="") + (f":{quote(self.password, safe='')}" if self.password else "") + "@"
        scheme, _, place = self.origin.partition("://")
        return f"{scheme}://{user}{place}{self.rest}"


def parse_camera_url(url: str, source: str) -> Address | Rejected:
    """The address of a network camera, or what is wrong with it in words that quote nothing of it.

    Args:
        url: ``camera.url`` of the settings.
        source: ``camera.source``, a key of :data:`STREAM_PORTS`.
    """
    ports = STREAM_PORTS[source]
    if not url:
        return Rejected('""')
    if _NO_ADDRESS_CHARACTER.search(url):
        return Rejected("an address with a space or another character that must be percent-encoded")
    matched = _ADDRESS.fullmatch(url)
    if matched is None:
        return Rejected(_fault(url))
    scheme = matched["scheme"].lower()
    if scheme not in ports:
        return Rejected("an address of another kind")
    if _BAD_ESCAPE.search(url):
        return Rejected("an address with a % that begins no percent-encoding")
    if _ESCAPED_CONTROL.search(url):
        return Rejected("an address with a control character")
    host = matched["host"]
    in_brackets = host.startswith("[")
    # In an address, the % before the zone of an IPv6 address is itself percent-encoded.
    host = re.sub("%25", "%", host[1:-1], count=1) if in_brackets else host
    judged = parse_host(host)
    if isinstance(judged, Rejected):
        return Rejected(f"an address with {judged.reason} as its host")
    if in_brackets and ":" not in host:
        return Rejected("an address with brackets around what is no IPv6 address")
    if not host.isascii():
        return Rejected("an address with another letter than a to z in its host")
    written = matched["port"]
    port = int(written) if written else ports[scheme]
    if not 1 <= port <= 65535:
        return Rejected("an address with a port that is not 1 to 65535")
    username, password = unquote(matched["user"] or ""), unquote(matched["password"] or "")
    return Address(scheme, host, port, username, password, matched["rest"] or "", bool(written))


def _fault(url: str) -> str:
    """What is wrong with an address that does not match, without a word of it."""
    scheme, separator, rest = url.partition("://")
    if not separator or not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*", scheme):
        return "something that does not begin with a scheme such as rtsp://"
    place = re.split("[/?#]", rest, maxsplit=1)[0]
    if not place:
        return "an address without a host"
    if "@" in rest[len(place) :]:
        return "an address in which a / ? or # comes before an @"
    if place.count("@") > 1:
        return "an address with more than one @"
    if "#" in rest:
        return "an address with a #, behind which nothing is sent to a camera"
    return "an address with a host or port that cannot be read"


def parse_host(host: str) -> str | Rejected:
    """A host's name or address, or what is wrong with it in words that quote nothing of it.

    Names, IPv4 and bare IPv6 addresses are accepted. A port, a scheme, a path or a user have keys of their own.
    """
    faults: tuple[tuple[bool, str], ...] = (
        (not host, '""'),
        (not host.isprintable() or bool(re.search(r"\s", host)), "a host with a space or a control character"),
        ("@" in host or unicodedata.normalize("NFKC", host).count("@") > 0, "a host with a user name or password"),
        ("://" in host or bool(re.match(r"[A-Za-z][A-Za-z0-9+.-]*:[/\\]", host)), "an address with a scheme"),
        ("/" in host or "\\" in host, "a host with a path"),
        ("[" in host or "]" in host, "a host in brackets"),
    )
    for applies, words in faults:
        if applies:
            return Rejected(words)
    if ":" in host:
        return host if _is_ipv6(host) else Rejected("a host with a port")
    if host.endswith("."):
        return Rejected("a host with a dot at its end")
    if re.fullmatch(r"(?:.*\.)?(?:[0-9]+|0[xX][0-9A-Fa-f]*)", host) and not _is_ipv4(host):
        return Rejected("an incomplete or wrong IPv4 address")
    return host if _is_name(host) else Rejected("something that is no host name")


def _is_ipv4(text: str) -> bool:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True


def _is_ipv6(text: str) -> bool:
    address, zone, name = text.partition("%")
    try:
        ipaddress.IPv6Address(address)
    except ValueError:
        return False
    return not zone or re.fullmatch(r"[A-Za-z0-9._~-]{1,32}", name) is not None


def _is_name(text: str) -> bool:
    """Whether name servers can be asked for it: labels of letters, digits, - and _; other letters than a to z, too."""
    if unicodedata.normalize("NFKC", text) != text:
        return False
    try:
        ascii_name = text if text.isascii() else text.encode("idna").decode("ascii")
    except UnicodeError:
        return False
    return len(ascii_name) <= _MAX_HOST and all(map(_LABEL.fullmatch, ascii_name.split(".")))


_HOST_REMEDY: Final[Mapping[str, str]] = {
    "a host with a user name or password": ", the user into mqtt.username, the password into a file for "
    "mqtt.password_file",
    "a host in brackets": ". An IPv6 address is written without brackets",
    "a host with a dot at its end": ". Leave out the last dot",
    "an incomplete or wrong IPv4 address": ". An IPv4 address has four numbers from 0 to 255",
}


def check_host(host: str, key: str, port_key: str, error: type[AgentError]) -> None:
    """Judge a host, without looking it up.

    Args:
        host: What :func:`parse_host` judges.
        key: Where it is written, for the message.
        port_key: Where its port belongs.
        error: What to raise.

    Raises:
        AgentError: It is no host alone; of the kind of ``error``.
    """
    judged = parse_host(host)
    if isinstance(judged, Rejected):
        raise error(
            key,
            received=judged.reason,
            expected="the host alone: a name such as broker.school.lan, or an IP address",
            remedy=f"Write the host alone; the port goes into {port_key}" + _HOST_REMEDY.get(judged.reason, ""),
        )


def bracketed(host: str) -> str:
    """The host as it stands before a port: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host


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


def without_credentials(rest: str) -> str:
    """Path and query of an address, each value hidden whose name could be that of a credential."""
    pieces = re.split(r"([/?&;#])", rest)
    shown, hide_next = [], False
    for piece in pieces:
        if piece in ("", "/", "?", "&", ";", "#"):
            shown.append(piece)
            continue
        if hide_next:
            shown.append(HIDDEN)
            hide_next = False
            continue
        # A path may also say /user/NAME/password/WORD.
        hide_next = (
            _is_credential(piece) and "=" not in _decoded(piece) and len(_decoded(piece)) <= len("authorization")
        )
        shown.append(_hidden(piece))
    return "".join(shown)


def _hidden(piece: str) -> str:
    """One part of a path or query, with the value after the first name that could be a credential's hidden."""
    for found in re.finditer("=", piece):
        if _is_credential(piece[: found.start()]):
            return piece[: found.end()] + (HIDDEN if piece[found.end() :] else "")
    if _decoded(piece) != piece and _is_credential(piece) and re.search(r"[=&?;:,|]", _decoded(piece)):
        return HIDDEN
    return piece if not re.search(r"[:,|!~*]", piece) or not _is_credential(piece) else HIDDEN


def _is_credential(name: str) -> bool:
    plain = _NO_CREDENTIAL.sub("", unicodedata.normalize("NFKC", _decoded(name)).casefold())
    return _CREDENTIAL.search(plain) is not None


def _decoded(text: str) -> str:
    for _ in range(4):  # encoded more than once
        once = unquote(text)
        if once == text:
            break
        text = once
    return text


# Text of others: what a native library, an exception or a program says, in which an address may stand.

_SCHEME: Final = r"(?:rtsps?|https?|rtmps?|mqtts?|wss?|tcp|udp|ssh|s?ftp|file):[/\\]+"
_WITH_USER: Final = re.compile(rf"(?P<scheme>{_SCHEME})[^\n]*[@\uff20\ufe6b]", re.IGNORECASE)
_WITH_USER_AND_ANY_SCHEME: Final = re.compile(r"[^\s\"'<>(]*(?::[/\\]|[/\\]{2})[^\n]*[@\uff20\ufe6b]")
_WITHOUT_USER: Final = re.compile(rf"[\"'<(=]?{_SCHEME}{re.escape(HIDDEN)}@", re.IGNORECASE)
_IN_TEXT: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[/\\]{2,}[^\s\"'<>]*")
_USER_ALONE: Final = re.compile(r"[^\s\"'<>@]*[:%/][^\s\"'<>]*[@\uff20\ufe6b]")


def scrubbed(text: str, known: str = "") -> str:
    """A text of others, without the secrets of addresses in it.

    Args:
        text: What a library or an exception says.
        known: The address it is about; its parts are looked for, too.
    """
    for secret in _secrets_of(known):
        text = text.replace(secret, HIDDEN)
    text = _WITH_USER.sub(rf"\g<scheme>{HIDDEN}@", text)
    text = _WITH_USER_AND_ANY_SCHEME.sub(_without_user, text)
    text = _IN_TEXT.sub(lambda found: _shown_in_text(found[0]), text)
    return _USER_ALONE.sub(f"{HIDDEN}@", text)


def _without_user(found: re.Match[str]) -> str:
    return found[0] if _WITHOUT_USER.fullmatch(found[0]) else f"{HIDDEN}@"


def _shown_in_text(word: str) -> str:
    address = word.rstrip(".,:;)]}")
    after = word[len(address) :]
    scheme, separator, rest = address.partition("://")
    if not separator or "\\" in scheme:
        return NOT_QUOTED
    rest = rest.rpartition("@")[2]
    place, path = re.match(r"([^/?#]*)(.*)", rest, re.DOTALL).groups()  # type: ignore[union-attr]
    plain_place = re.fullmatch(r"[A-Za-z0-9._%:\[\]-]*", place) is not None
    return f"{scheme}://{place if plain_place else HIDDEN}{without_credentials(path)}{after}"


def _secrets_of(address: str) -> list[str]:
    """Parts of an address that must not be seen, the longest first."""
    found: set[str] = set()
    if address:
        found.update((address, repr(address)[1:-1], ascii(address)[1:-1]))
        found.update(_user_parts(address))
        parsed = re.split(r"[/?&;#]", address)
        for piece in parsed:
            name, _, value = piece.partition("=")
            if _is_credential(name):
                found.add(value)
    with_decoded = found | {_decoded(part) for part in found}
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
    path = _decoded(path)
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:[/\\]|[/\\]{2}.*@", path):
        return True
    return not path.startswith("/") and re.search(r"[:\uff1a/].*[@\uff20\ufe6b]|[?&;].*=", path) is not None


def shown_path(path: str) -> str:
    """A path for a message; not quoted where it is an address."""
    quotable = path.isprintable() and not looks_like_address(path)
    return path if quotable or _exists(path) else NOT_QUOTED


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
    if isinstance(value, str) and not _PLAIN_VALUE.fullmatch(value):
        return f"{kind} {NOT_QUOTED}" if _could_hide(value) else repr(value)
    return repr(value)


def shown_key(name: str) -> str:
    """A key of the settings for a message; a text in the place of a key is not quoted."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]{1,40}", name) else NOT_QUOTED


def _could_hide(text: str) -> bool:
    return len(text) > 64 or looks_like_address(text) or re.search(r"[@:\\=\uff20\ufe6b]", text) is not None
