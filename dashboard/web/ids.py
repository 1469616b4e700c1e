"""Names of rooms in addresses and in HTML. Devices choose their names, so nothing is taken for granted."""

from __future__ import annotations

import hashlib
from urllib.parse import quote, unquote

from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request

from edge_agent.client import Device

NAME_KIND = "name"
"""What stands in a route for a site's or device's name: ``{site:name}``."""


def element_id(kind: str, device: Device, part: str = "") -> str:
    """An id for an element: letters and digits, whatever the device's name holds."""
    name = "/".join((*device, part)).encode("utf-8", "replace")
    return f"{kind}-{hashlib.sha256(name).hexdigest()[:16]}"


def room_path(device: Device, page: str = "") -> str:
    """The address of a room's page."""
    path = "/".join(quote(part, safe="") for part in ("room", *map(as_segment, device)))
    return f"/{path}/{page}" if page else f"/{path}"


def as_segment(name: str) -> str:
    """A name as a part of an address that every browser leaves as it is.

    Browsers take ``.`` and ``..`` for steps between folders, whether they are escaped or not, and drop an empty part.
    """
    if not name:
        return "%"
    marked = name.replace("%", "%25")
    return marked.replace(".", "%2E") if set(name) == {"."} else marked


def from_segment(segment: str) -> str:
    """The name that :func:`as_segment` made a part of."""
    return "" if segment == "%" else unquote(segment)


def address_of_page(request: Request) -> str:
    """The page that was asked for, as the browser wrote it and without a query, to lead back to it."""
    raw: bytes = request.scope.get("raw_path") or quote(request.scope["path"]).encode()
    return raw.partition(b"?")[0].decode("ascii", "replace")


class _NameConvertor(Convertor[str]):
    regex = "[^/]+"

    def convert(self, value: str) -> str:
        return from_segment(value)

    def to_string(self, value: str) -> str:
        return as_segment(value)


register_url_convertor(NAME_KIND, _NameConvertor())
