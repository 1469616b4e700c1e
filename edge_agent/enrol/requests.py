"""The two small files that travel between a device and its school: request and response. Neither holds a secret."""

from __future__ import annotations

from typing import Annotated, Final, TypeVar

import msgspec

from edge_agent.config import Name
from edge_agent.decoding import UNDECODABLE, decode_json
from edge_agent.errors import InputError

MAX_BYTES: Final = 64 * 1024
"""A larger file is neither of the two. It comes from others and is not read to its end."""


class Request(msgspec.Struct, frozen=True, kw_only=True, tag=1, tag_field="v"):
    """What a device hands in.

    Attributes:
        root: First part of its topics.
        site: Second part.
        device: Its id.
        csr: PKCS #10 request in PEM form, signed with the device's key.
    """

    root: Name
    site: Name
    device: Name
    csr: str


class Response(msgspec.Struct, frozen=True, kw_only=True, tag=1, tag_field="v"):
    """What the school answers.

    Attributes:
        site: Site of the device that the certificate is for.
        device: Its id.
        host: Where the broker is.
        port: Its port for devices.
        certificate: The device's certificate in PEM form.
        authority: The certificate of the school's authority in PEM form, by which the broker is known.
        models: The public key in PEM form that published models are signed with; empty where the school has none.
    """

    site: Name
    device: Name
    host: str
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)]
    certificate: str
    authority: str
    models: str = ""


_Document = TypeVar("_Document", Request, Response)


def encode_file(document: Request | Response) -> bytes:
    """The file's content: JSON, indented so that people can read it."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def decode_file(content: bytes, kind: type[_Document], source: str) -> _Document:
    """Read a file of the expected kind; ``source`` names it in error messages.

    Raises:
        InputError: It is something else.
    """
    try:
        return decode_json(content, kind)
    except UNDECODABLE as error:
        expected = "a request, from `edge-agent enrol --request`" if kind is Request else "an answer, from `fleet add`"
        raise InputError(f"{source}: {error}", expected=expected) from None
