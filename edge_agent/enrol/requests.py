"""The two small files that travel between a device and the school's authority. Neither holds anything secret."""

from __future__ import annotations

from typing import Annotated, Any, Final, TypeVar

import msgspec

from edge_agent.config import Name
from edge_agent.errors import UNDECODABLE, InputError

MOST_BYTES: Final = 64 * 1024
"""Larger is neither: what comes from others is not read to its end."""


class Request(msgspec.Struct, frozen=True, kw_only=True, tag=1, tag_field="v"):
    """What a device hands in.

    Attributes:
        root: First part of its topics.
        site: Second.
        device: Its id.
        csr: PKCS #10 request in PEM form, signed with the device's key.
    """

    root: Name
    site: Name
    device: Name
    csr: str


class Answer(msgspec.Struct, frozen=True, kw_only=True, tag=1, tag_field="v"):
    """What it gets back.

    Attributes:
        site: Whom the certificate is for.
        device: Likewise.
        host: Where the broker is.
        port: Its port for devices.
        certificate: The device's certificate in PEM form.
        authority: The school's authority's certificate in PEM form, by which the broker is known.
        models: The public key in PEM form that published models are signed with; empty from a school without.
    """

    site: Name
    device: Name
    host: str
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)]
    certificate: str
    authority: str
    models: str = ""


P = TypeVar("P", Request, Answer)


def write_paper(paper: Request | Answer) -> bytes:
    """The file's content: JSON for people to look at."""
    return msgspec.json.format(msgspec.json.encode(paper), indent=2) + b"\n"


def read_paper(content: bytes, kind: type[P], source: str) -> P:
    """Read a file of the kind expected.

    Raises:
        InputError: It is something else.
    """
    wanted = "a request, from `edge-agent enrol --request`" if kind is Request else "an answer, from `fleet add`"
    try:
        paper: Any = msgspec.json.decode(content, type=kind)
    except UNDECODABLE as error:
        raise InputError(f"{source}: {error}", expected=wanted) from None
    return paper  # type: ignore[no-any-return]
