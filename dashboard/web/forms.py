"""Forms that visitors send: read with a limit, and only where they come from the page itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request

from dashboard.access.forms import FIELD, is_genuine, same_site
from dashboard.web.site import site_of

_MAX_BYTES: Final = 65_536
_MAX_FIELDS: Final = 600


class Form(Mapping[str, str]):
    """The fields of a form; of a name that came twice the last one, and all by :meth:`all`."""

    def __init__(self, fields: list[tuple[str, str]]) -> None:
        self._fields = fields
        self._last = dict(fields)

    def __getitem__(self, name: str) -> str:
        return self._last[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._last)

    def __len__(self) -> int:
        return len(self._last)

    def all(self, name: str) -> list[str]:
        """Every value of a field."""
        return [value for key, value in self._fields if key == name]


async def read_form(request: Request) -> Form:
    """The form that a visitor has sent.

    Raises:
        HTTPException: It is too large or no form, or it was not made by the page for this browser.
    """
    headers = request.headers
    said = (headers.get("origin"), headers.get("referer"), headers.get("host", ""), headers.get("sec-fetch-site"))
    if not same_site(*said):
        raise HTTPException(403, "form")
    if headers.get("content-type", "").partition(";")[0].strip() != "application/x-www-form-urlencoded":
        raise HTTPException(415)
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > _MAX_BYTES:
            raise HTTPException(413)
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError:
        raise HTTPException(400) from None
    form = Form(pairs)
    if not is_genuine(site_of(request).gate.form_secret(request), form.get(FIELD, "")):
        raise HTTPException(403, "form")
    return form
