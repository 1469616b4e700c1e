"""What proves that a form comes from the page itself and not from another site that sends it in a visitor's name."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
from typing import Final
from urllib.parse import urlsplit

FIELD: Final = "form_token"
"""Name of the field that every form carries."""
_SALT_BYTES: Final = 8


def form_token(secret: str) -> str:
    """What a form carries for a browser: another text each time, so that its compressed length tells nothing.

    Args:
        secret: What only this browser and the page know: its session, or what stands for one before the login.
    """
    return _with_salt(secret, secrets.token_hex(_SALT_BYTES))


def is_genuine(secret: str, token: str) -> bool:
    """Whether a form was made for the browser that sends it."""
    if not secret or not token.isascii():
        return False
    return hmac.compare_digest(_with_salt(secret, token[: 2 * _SALT_BYTES]), token)


def _with_salt(secret: str, salt: str) -> str:
    return salt + hmac.new(secret.encode("utf-8", "replace"), salt.encode(), hashlib.sha256).hexdigest()


def same_site(origin: str | None, referer: str | None, host: str, fetch_site: str | None) -> bool:
    """Whether a browser says that a form was sent from this very site. One that says nothing is believed.

    Args:
        origin: The header ``Origin``.
        referer: The header ``Referer``.
        host: The header ``Host``.
        fetch_site: The header ``Sec-Fetch-Site``.
    """
    if fetch_site is not None and fetch_site not in ("same-origin", "none"):
        return False
    said = origin if origin is not None else referer
    if said is None:
        return True
    try:
        return urlsplit(said).netloc.lower() == host.lower() and bool(host)
    except ValueError:
        return False


def is_loopback_name(host: str) -> bool:
    """Whether the header ``Host`` names this machine itself.

    Another site's name may be made to lead to 127.0.0.1, and its scripts would then read the page as their own.

    Args:
        host: The header.
    """
    name = (host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host).strip("[]").lower()
    try:
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
