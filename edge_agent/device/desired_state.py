"""Reading what a device should be, also where the message asking for it is malformed.

Who asks for a closed camera must not be left with an open one because of a slip elsewhere in the message. So of a
malformed one the wish ``"muted":true`` is obeyed, and nothing else: what opens a camera has to be beyond doubt.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import UNSET

from edge_agent.decoding import UNDECODABLE
from edge_agent.errors import InputError
from edge_agent.protocol.messages import Desired, decode


@dataclass(frozen=True, slots=True)
class Reading:
    """What a message on ``desired`` says.

    Attributes:
        desired: What to become; ``None`` where nothing of it may be obeyed.
        error: Why the message is malformed; empty where it is not. Then ``desired`` is a wish to close the camera and
            says nothing about anything else, not even by what is absent.
    """

    desired: Desired | None
    error: str = ""


class _Fields(msgspec.Struct, frozen=True):
    v: Any = UNSET
    muted: Any = UNSET
    issued_at: Any = UNSET


def read_desired(payload: bytes) -> Reading:
    """Read a message; unknown fields are ignored."""
    fields = _fields_of(payload)
    wishes = [fields.muted]
    try:
        desired = decode(payload, Desired)
        if fields.v is UNSET:  # elsewhere taken for the only version there is
            raise InputError("not a desired message: Object missing required field `v`")
        if desired.muted is False:
            wishes = _wishes_in(payload)
            if len(wishes) != 1:
                raise InputError("not a desired message: Object contains field `muted` more than once")
    except InputError as error:
        issued_at = fields.issued_at if isinstance(fields.issued_at, str) else UNSET
        mute = any(wish is True for wish in wishes)
        return Reading(Desired(muted=True, issued_at=issued_at) if mute else None, str(error))
    return Reading(desired)


def _fields_of(payload: bytes) -> _Fields:
    try:
        return msgspec.json.decode(payload, type=_Fields)
    except UNDECODABLE:
        return _Fields()


def _wishes_in(payload: bytes) -> list[Any]:
    """Every value that stands under ``muted``, where JSON parsers would take one or the other.

    Raises:
        InputError: The message is nested too deeply, or not in UTF-8 throughout.
    """
    try:
        pairs = json.loads(payload, object_pairs_hook=list)
    except (ValueError, RecursionError) as error:
        raise InputError(f"not a desired message: {error}") from None
    return [value for name, value in pairs if name == "muted"]
