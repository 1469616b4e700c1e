"""Answering commands: every one gets a reply, and every one is logged."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from edge_agent.addresses.scrubbing import scrubbed
from edge_agent.decoding import UNDECODABLE, decode_json
from edge_agent.errors import AgentError, InputError, Rejected
from edge_agent.outbox.replay import ResendOutcome, ResendRange
from edge_agent.privacy.audit import AUDIT
from edge_agent.protocol.messages import Command, CommandId, CommandName, Reply, ResendResult, decode
from edge_agent.protocol.topics import SEQUENCED

log = logging.getLogger(__name__)

Handler = Callable[[Command], dict[str, Any]]
"""Carries out a command and returns the reply's ``result``; refuses by raising an :class:`AgentError`."""


class CommandDispatcher:
    """Reads commands, has them carried out and answers.

    Args:
        resend: Starts sending stored events again and answers later.
        handlers: What carries out the other commands, by name. They run on the publisher's thread and must be quick.
    """

    def __init__(
        self,
        resend: Callable[[ResendRange, Callable[[ResendOutcome], None]], None],
        handlers: Mapping[str, Handler],
    ) -> None:
        self._resend = resend
        self._handlers: dict[str, Handler] = {"ping": lambda _command: {}, **handlers}

    def handle(self, payload: bytes, session: str, answer: Callable[[Reply], None], *, retained: bool = False) -> None:
        """Carry out one command.

        Args:
            payload: The command as it came in.
            session: The id of the session that answers.
            answer: Called once with the reply, now or, on another thread, later.
            retained: Whether the broker had kept it.
        """
        pending = _PendingReply(session, answer)
        try:
            command = decode(payload, Command)
        except InputError as error:
            pending.command = _sender_fields(payload)
            pending.refuse(f'{error}; expected {{"v":1,"id":"...","command":"ping"}}')
            return
        pending.command = command
        if retained:
            pending.refuse("a retained command would be carried out at every connect; send it once, not retained")
        elif command.command == "resend":
            self._start_resend(command, pending)
        elif command.command in self._handlers:
            self._carry_out(command, pending)
        else:
            known = ", ".join(sorted([*self._handlers, "resend"]))
            pending.refuse(f"unknown command {command.command!r}, expected one of {known}")

    def handle_asker_command(self, payload: bytes, asker: str, session: str, answer: Callable[[Reply], None]) -> None:
        """Answer a request for events that came on the asker's request topic, where nothing else may be asked for.

        Args:
            payload: As for :meth:`handle`, like the rest.
            asker: Who asks, by the topic; the events go to them alone.
            session: The id of the session that answers.
            answer: Called once with the reply.
        """
        pending = _PendingReply(session, answer)
        try:
            command = decode(payload, Command)
        except InputError as error:
            pending.command = _sender_fields(payload)
            pending.refuse(str(error))
            return
        pending.command = command
        if command.command != "resend":
            pending.refuse("only resend may be asked for on this topic")
            return
        self._start_resend(replace(command, reply_to=asker), pending)

    def _carry_out(self, command: Command, pending: _PendingReply) -> None:
        try:
            result = self._handlers[command.command](command)
        except AgentError as error:
            pending.refuse(str(error))
        except Exception:  # a handler's bug must not end the publisher
            log.exception("%s", scrubbed(f"command {command.id!r} {command.command!r}"))
            pending.refuse("it failed; the device's log says why")
        else:
            pending.done(result)

    def _start_resend(self, command: Command, pending: _PendingReply) -> None:
        wanted = _range_of(command)
        if wanted is None:
            expected = f"session, topic ({' or '.join(SEQUENCED)}) and numbers from and to, from not above to"
            pending.refuse(f"resend: expected {expected}")
            return
        self._resend(wanted, lambda outcome: _answer_resend(pending, outcome))


class _SenderFields(msgspec.Struct, frozen=True):
    """What of a malformed command lets its sender recognise the reply."""

    id: CommandId
    command: CommandName | None = None


@dataclass
class _PendingReply:
    """A command that has not been answered yet."""

    session: str
    answer: Callable[[Reply], None]
    command: Command | _SenderFields | None = None

    def done(self, result: dict[str, Any]) -> None:
        self._reply("", result)

    def refuse(self, reason: str) -> None:
        self._reply(reason, {})

    def _reply(self, error: str, result: dict[str, Any]) -> None:
        name, command_id = (self.command.command or "", self.command.id) if self.command is not None else ("", "")
        error = scrubbed(error)
        shown_id = repr(command_id) if command_id else "without id"
        AUDIT.info("%s: %s", scrubbed(f"command {shown_id} {name!r}"), error or "done")
        self.answer(Reply(id=command_id, command=name, ok=not error, session=self.session, error=error, result=result))


def _sender_fields(payload: bytes) -> _SenderFields | None:
    try:
        return decode_json(payload, _SenderFields)
    except UNDECODABLE:
        return None


def _range_of(command: Command) -> ResendRange | None:
    """What a ``resend`` asks for, ``None`` where it is not a proper request."""
    session, topic, first, last = command.session, command.topic, command.first, command.last
    if isinstance(session, UnsetType) or isinstance(topic, UnsetType) or topic not in SEQUENCED:
        return None
    if isinstance(first, UnsetType) or isinstance(last, UnsetType) or last < first:
        return None
    return ResendRange(session, topic, first, last, command.reply_to or "")


def _answer_resend(pending: _PendingReply, outcome: ResendOutcome) -> None:
    if isinstance(outcome, Rejected):
        pending.refuse(outcome.reason)
        return
    more_from = UNSET if outcome.more_from is None else outcome.more_from
    result = ResendResult(count=outcome.count, missing=outcome.missing, more_from=more_from)
    pending.done(msgspec.to_builtins(result))
