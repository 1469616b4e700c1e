"""Addresses and paths, shown in messages and logs without what may be a secret.

Masking must not rely on parsing, since malformed addresses cause the errors that show them. So the rule is: what does
not parse is never quoted. Of what parses, user and password are left out, and so is every value whose name could be
that of a credential.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from edge_agent.addresses.credentials import decoded, without_credentials
from edge_agent.addresses.parsing import bracketed, parse_camera_url, parse_host
from edge_agent.errors import Rejected

NOT_QUOTED: Final = "(not shown: it may hold a password)"
"""Stands in messages for a value that cannot be understood."""
AT: Final = "@\uff20\ufe6b"
"""The signs at the end of an address's user and password: @ of every width."""
LISTED: Final = r"[^\d\s,;|][,;|][^\s]"
"""A pattern of what a user name and a password may be put together with, but for a colon, dot or blank."""
_COLON: Final = ":\uff1a"
_LIKE_ADDRESS: Final = re.compile(rf"[{_COLON}@].*[{AT}]|[A-Za-z0-9+.-]{{2}}[{_COLON}]$")


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


def looks_like_address(path: str) -> bool:
    """Whether what should be a file's path is an address or holds a user and password, by mistake."""
    path = decoded(path)
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:[/\\]|[/\\]{2}.*@", path):
        return True
    return not path.startswith("/") and re.search(rf"[{_COLON}/].*[{AT}]|[?&;].*=", path) is not None


def shown_path(path: str) -> str:
    """A path for a message; not quoted where it is an address, or may be a malformed one and is no file."""
    doubtful = not path.startswith("/") and re.search(rf"[{AT}]|^[^/\\]{{2,}}[{_COLON}]|{LISTED}", decoded(path))
    like_address = looks_like_address(path) or is_address_by_mistake(Path(decoded(path)))
    quotable = path.isprintable() and not like_address and not doubtful
    return path if quotable or file_exists(path) else NOT_QUOTED


def is_address_by_mistake(path: Path) -> bool:
    """Whether a file or folder that is to be made would have an address for its path."""
    return any(_LIKE_ADDRESS.search(part) or without_credentials(part) != part for part in path.parts)


def shown_secret_path(path: str) -> str:
    """The path of a file with a secret, for a message. The secret itself, written there by mistake, is not quoted."""
    if shown_path(path) == NOT_QUOTED:
        return NOT_QUOTED
    place = Path(path)
    is_path = place.is_absolute() and len(place.parts) > 2
    in_folder = len(place.parts) > 1 and file_exists(str(place.parent))
    return path if is_path or in_folder or file_exists(path) else NOT_QUOTED


def file_exists(path: str) -> bool:
    """Whether the path is one of a file or folder that is there; no error for what can be none."""
    try:
        Path(path).stat()
    except (OSError, ValueError):
        return False
    return True
