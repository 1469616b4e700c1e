"""Addresses of cameras and brokers, judged before they are used. What is wrong is said in words that quote nothing."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import quote, unquote

from edge_agent.addresses.credentials import without_credentials
from edge_agent.errors import AgentError, Rejected

STREAM_PORTS: Final[Mapping[str, Mapping[str, int]]] = {
    "rtsp": {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443, "rtmp": 1935, "rtmps": 443},
    "http": {"http": 80, "https": 443},
    "snapshot": {"http": 80, "https": 443},
}
"""The kinds of address that each source of frames takes, with their default ports."""

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
_MAX_HOST: Final = 253
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Address:
    """An address that parses. As text it is fit for a log; :meth:`complete` gives the one to open.

    Attributes:
        scheme: In small letters.
        host: Name or address; IPv6 without brackets.
        port: TCP port; the scheme's default where none is written.
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
    if ":" in host and not _is_ipv6(host):
        return Rejected("a host with a port")
    if _is_of_many(host):
        return Rejected("an address of many machines at once")
    if ":" in host:
        return host
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


def _is_of_many(text: str) -> bool:
    """Whether it is a multicast or broadcast address, or one of those that nobody may have."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return address.is_multicast or (address.version == 4 and address.is_reserved)


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
    "an address of many machines at once": ". It must be one machine's own address",
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
