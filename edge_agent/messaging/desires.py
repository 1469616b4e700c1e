"""Reading what a device should be, also where the message asking for it is malformed.

Who asks for a closed camera must not be left with an open one because of a slip elsewhere in the message. So of a
malformed one the wish ``"muted":true`` is obeyed, and nothing else: what opens a camera has to be beyond doubt.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import UNSET

from edge_agent.errors import InputError
from edge_agent.messaging.payloads import Desired, decode


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
    try:
        desired = decode(payload, Desired)
        if fields.v is UNSET:  # elsewhere taken for the only version there is
            raise InputError("not a desired message: Object missing required field `v`")
    except InputError as error:
        issued_at = fields.issued_at if isinstance(fields.issued_at, str) else UNSET
        return Reading(Desired(muted=True, issued_at=issued_at) if fields.muted is True else None, str(error))
    return Reading(desired)


def _fields_of(payload: bytes) -> _Fields:
    try:
        return msgspec.json.decode(payload, type=_Fields)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _Fields()
