"""How a client logs in over HTTP: Basic (RFC 7617) and Digest (RFC 7616), from what the server asks for."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

_HASHES: Final[dict[str, Callable[[bytes], str]]] = {
    "MD5": lambda data: hashlib.md5(data, usedforsecurity=False).hexdigest(),
    "SHA-256": lambda data: hashlib.sha256(data).hexdigest(),
}
_PARAMETER: Final = re.compile(r'(?<![a-zA-Z_-])([a-zA-Z_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
_SCHEME: Final = re.compile(r"(?:^|,)\s*(basic|digest)(?=\s|$)", re.IGNORECASE)
_MAX_HEADER: Final = 4096
_NO_HEADER: Final = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a server asks for.

    Attributes:
        scheme: ``basic`` or ``digest``.
        parameters: By name in small letters; of Digest alone.
    """

    scheme: str
    parameters: dict[str, str] = field(default_factory=dict)

    @property
    def stale(self) -> bool:
        """Whether the login was right and only its nonce too old."""
        return self.parameters.get("stale", "").lower() == "true"


def choose_challenge(headers: Sequence[str]) -> Challenge | None:
    """The best that is understood of what the ``WWW-Authenticate`` headers offer: Digest before Basic.

    Args:
        headers: Each may hold several challenges.
    """
    found: list[Challenge] = []
    for header in headers:
        if len(header) > _MAX_HEADER:  # of no camera, and perhaps made to keep this one busy
            continue
        begins = [*_SCHEME.finditer(header)]
        for at, begin in enumerate(begins):
            end = begins[at + 1].start() if at + 1 < len(begins) else len(header)
            words = {
                name.lower(): re.sub(r"\\(.)", r"\1", quoted) or plain
                for name, quoted, plain in _PARAMETER.findall(header[begin.end() : end])
            }
            found.append(Challenge(begin[1].lower(), words if begin[1].lower() == "digest" else {}))
    digests = [one for one in found if one.scheme == "digest" and _is_understood(one.parameters)]
    strong = [one for one in digests if one.parameters.get("algorithm", "").upper().startswith("SHA-256")]
    return next(iter(strong + digests + [one for one in found if one.scheme == "basic"]), None)


def _is_understood(parameters: dict[str, str]) -> bool:
    algorithm = parameters.get("algorithm", "MD5").upper().removesuffix("-SESS")
    qop = parameters.get("qop")
    values = parameters.get("nonce", ""), parameters.get("realm", ""), parameters.get("opaque", "")
    printable = not any(_NO_HEADER.search(value) for value in values)
    return algorithm in _HASHES and "nonce" in parameters and printable and (qop is None or "auth" in _options(qop))


def _options(qop: str) -> list[str]:
    return [option.strip().lower() for option in qop.split(",")]


def authorization(
    challenge: Challenge,
    target: str,
    username: str,
    password: str,
    *,
    count: int = 1,
    client_nonce: str = "",
) -> str:
    """The ``Authorization`` header for a GET.

    Args:
        challenge: What the server asked for.
        target: Path and query of the request, as they are sent.
        username: Any text without a colon.
        password: Any text.
        count: How many requests have used this challenge, this one included.
        client_nonce: Random; drawn where it is empty.
    """
    if challenge.scheme == "basic":
        return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()
    asked = challenge.parameters
    algorithm = asked.get("algorithm", "MD5")
    digest = _HASHES[algorithm.upper().removesuffix("-SESS")]
    realm, nonce = asked.get("realm", ""), asked["nonce"]
    client_nonce = client_nonce or secrets.token_hex(8)
    who = digest(f"{username}:{realm}:{password}".encode())
    if algorithm.upper().endswith("-SESS"):
        who = digest(f"{who}:{nonce}:{client_nonce}".encode())
    what = digest(f"GET:{target}".encode())
    with_count = "qop" in asked
    middle = f"{nonce}:{count:08x}:{client_nonce}:auth" if with_count else nonce
    parts = [
        *(f'{name}="{_quoted(value)}"' for name, value in (("username", username), ("realm", realm), ("nonce", nonce))),
        f'uri="{target}"',
        f'response="{digest(f"{who}:{middle}:{what}".encode())}"',
    ]
    if "algorithm" in asked:
        parts.append(f"algorithm={algorithm}")
    if "opaque" in asked:
        parts.append(f'opaque="{_quoted(asked["opaque"])}"')
    if with_count or algorithm.upper().endswith("-SESS"):
        parts.append(f'cnonce="{client_nonce}"')
    if with_count:
        parts += ["qop=auth", f"nc={count:08x}"]
    return "Digest " + ", ".join(parts)


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
