"""When the certificate ends with which a device proves itself to the broker.

Read without the package for certificates, which only enrolment needs: of X.509 (RFC 5280) a certificate's fields come
in a fixed order, and the time it is valid for is one of the first.
"""

from __future__ import annotations

import ssl
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple

from edge_agent.config import TlsSettings

_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
_VERSION, _UTC_TIME = 0xA0, 0x17
_BEFORE_VALIDITY = 3
"""Serial number, algorithm and issuer."""


def certificate_end(settings: TlsSettings) -> datetime | None:
    """When the device's own certificate ends, in UTC.

    Args:
        settings: Where it lies.

    Returns:
        ``None`` where it has none, and where the file cannot be read.
    """
    if not settings.enabled or not settings.cert:
        return None
    try:
        text = Path(settings.cert).read_text(encoding="ascii")
        first = text[text.index(_BEGIN) : text.index(_END) + len(_END)]
        return _end(ssl.PEM_cert_to_DER_cert(first))
    except (OSError, ValueError, IndexError):
        return None


class _Element(NamedTuple):
    """One element of DER: its tag, its content, and where the next one begins."""

    tag: int
    content: bytes
    next_at: int


def _end(der: bytes) -> datetime:
    fields = _element(_element(der, 0).content, 0).content
    at = 0
    if fields[0] == _VERSION:
        at = _element(fields, at).next_at
    for _ in range(_BEFORE_VALIDITY):
        at = _element(fields, at).next_at
    validity = _element(fields, at).content
    until = _element(validity, _element(validity, 0).next_at)
    form = "%y%m%d%H%M%SZ" if until.tag == _UTC_TIME else "%Y%m%d%H%M%SZ"
    return datetime.strptime(until.content.decode("ascii"), form).replace(tzinfo=timezone.utc)


def _element(der: bytes, at: int) -> _Element:
    tag, length, begin = der[at], der[at + 1], at + 2
    if length & 0x80:
        digits = length & 0x7F
        length, begin = int.from_bytes(der[begin : begin + digits], "big"), begin + digits
    return _Element(tag, der[begin : begin + length], begin + length)
