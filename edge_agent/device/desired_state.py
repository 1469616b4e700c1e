"""What a device should be: the retained ``desired`` message, also where it is malformed.

Who asks for a closed camera must not be left with an open one because of a slip elsewhere in the message. So of a
malformed one the request ``"muted":true`` is obeyed, and nothing else: what opens a camera must be clear.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import UNSET

from edge_agent.decoding import UNDECODABLE, decode_json
from edge_agent.device.device_session import DeviceSession
from edge_agent.device.unqueued import UnqueuedMessages
from edge_agent.errors import InputError
from edge_agent.mqtt.events import Received
from edge_agent.privacy.audit import AUDIT
from edge_agent.protocol.messages import Desired, Reply, decode
from edge_agent.protocol.topics import DESIRED

log = logging.getLogger(__name__)

OnDesired = Callable[[Desired, bool], None]
"""Called with what the device should be, and whether that is all that was asked for."""


@dataclass(frozen=True, slots=True)
class MalformedDesired:
    """A message on ``desired`` that does not follow the contract.

    Attributes:
        reason: Why it is malformed.
        mute_request: What is obeyed all the same: a request to close the camera. It says nothing about anything else,
            not even by what is absent. ``None`` where nothing of the message may be obeyed.
    """

    reason: str
    mute_request: Desired | None


class DesiredState:
    """Reads messages on ``desired``, and answers those that are malformed.

    Args:
        session: The session that answers.
        unqueued: Where replies go.
        on_desired: Called with what is to be obeyed; ``None`` where nobody obeys.
    """

    def __init__(self, session: DeviceSession, unqueued: UnqueuedMessages, on_desired: OnDesired | None) -> None:
        self._session, self._unqueued, self._on_desired = session, unqueued, on_desired

    def received(self, message: Received) -> None:
        """A message has come in."""
        if self._on_desired is None:
            return
        if not message.payload:
            log.info("what this device should be was deleted at the broker: it stays as it is")
            return
        found = read_desired(message.payload)
        if isinstance(found, MalformedDesired):
            self._answer(found)
        desired = found.mute_request if isinstance(found, MalformedDesired) else found
        if desired is None:
            return
        try:
            self._on_desired(desired, isinstance(found, Desired))
        except Exception:  # a bug there must not end the publisher
            log.exception("what this device should be could not be done")

    def _answer(self, malformed: MalformedDesired) -> None:
        what_then = "ignored, muted = true in it excepted" if malformed.mute_request is not None else "ignored"
        log.error("what this device should be is not understood and %s: %s", what_then, malformed.reason)
        AUDIT.info("desired: %s: %s", what_then, malformed.reason)
        error = f"{malformed.reason}; {what_then}"
        self._unqueued.reply(Reply(id="", command=DESIRED, ok=False, session=self._session.id, error=error))


class _Fields(msgspec.Struct, frozen=True):
    v: Any = UNSET
    muted: Any = UNSET
    issued_at: Any = UNSET


def read_desired(payload: bytes) -> Desired | MalformedDesired:
    """Read a message; unknown fields are ignored."""
    fields = _fields_of(payload)
    requests = [fields.muted]
    try:
        desired = decode(payload, Desired)
        if fields.v is UNSET:  # elsewhere taken for the only version there is
            raise InputError("not a desired message: Object missing required field `v`")
        if desired.muted is False:
            requests = _mute_requests_in(payload)
            if len(requests) != 1:
                raise InputError("not a desired message: Object contains field `muted` more than once")
    except InputError as error:
        issued_at = fields.issued_at if isinstance(fields.issued_at, str) else UNSET
        mute = any(request is True for request in requests)
        return MalformedDesired(str(error), Desired(muted=True, issued_at=issued_at) if mute else None)
    return desired


def _fields_of(payload: bytes) -> _Fields:
    try:
        return decode_json(payload, _Fields)
    except UNDECODABLE:
        return _Fields()


def _mute_requests_in(payload: bytes) -> list[Any]:
    """Every value that stands under ``muted``, where JSON parsers would take one or the other.

    Raises:
        InputError: The message is nested too deeply, or not in UTF-8 throughout.
    """
    try:
        pairs = json.loads(payload, object_pairs_hook=list)
    except (ValueError, RecursionError) as error:
        raise InputError(f"not a desired message: {error}") from None
    return [value for name, value in pairs if name == "muted"]
