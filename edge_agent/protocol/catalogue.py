"""The contract's table of contents: which topics and commands there are. A new one is added here.

:mod:`edge_agent.protocol.asyncapi` writes the published documents from these tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import msgspec

from edge_agent.decoding import convert
from edge_agent.errors import InputError
from edge_agent.protocol.ha_discovery import Discovery
from edge_agent.protocol.messages import (
    Command,
    Desired,
    Expression,
    Health,
    Message,
    Reply,
    ResendResult,
    SnapshotResult,
    Status,
    Summary,
)
from edge_agent.protocol.model_manifest import Models, models_topic, part_topic
from edge_agent.protocol.topics import (
    COMMAND,
    DESIRED,
    EXPRESSION,
    HEALTH,
    REPLY,
    RESENT,
    STATUS,
    SUMMARY,
    VERSION,
    asker_command_topic,
    resent_topic,
)

MODELS: Final = "models"
MODEL_PART: Final = "model_part"
DEVICE_ADDRESS: Final = f"{{root}}/v{VERSION}/{{site}}/{{device}}/"


@dataclass(frozen=True, slots=True)
class Channel:
    """A topic and what travels on it, always with QoS 1.

    Attributes:
        name: Short name; the last part of the topic where ``address`` is left out.
        message: The type that encodes its messages; ``bytes`` where they are no JSON.
        sender: Who publishes there; ``operator`` is every other program.
        retained: Whether the broker keeps the latest message for those who subscribe later.
        historical: Whether messages sent late or again carry the user property ``historical``.
        expiry_s: After how many seconds the broker drops a message (MQTT 5), with default settings; 0 for never.
        address: The topic, with its variable parts in braces.
        content_type: What its messages are.
        about: What they say, where the docstring of their type does not say it.
    """

    name: str
    message: Any
    sender: Literal["device", "operator"] = "device"
    retained: bool = False
    historical: bool = False
    expiry_s: int = 0
    address: str = ""
    content_type: str = "application/json"
    about: str = ""

    @property
    def topic(self) -> str:
        """The topic, with its variable parts in braces."""
        return self.address or DEVICE_ADDRESS + self.name


CHANNELS: Final = (
    Channel(STATUS, Status, retained=True),
    Channel(EXPRESSION, Expression, historical=True),
    Channel(SUMMARY, Summary, historical=True),
    Channel(HEALTH, Health, retained=True, expiry_s=120),
    Channel(DESIRED, Desired, sender="operator", retained=True),
    Channel(COMMAND, Command, sender="operator"),
    Channel(REPLY, Reply, expiry_s=60),
    *(
        Channel(
            f"{RESENT}_{name}",
            message,
            historical=True,
            address=resent_topic("{root}", "{account}/{program}", "{site}", "{device}", name),
            about=f"Events of `{name}` that a program has asked for again, where its `resend` names it in `reply_to`.",
        )
        for name, message in ((EXPRESSION, Expression), (SUMMARY, Summary))
    ),
    Channel(
        f"{RESENT}_{COMMAND}",
        Command,
        sender="operator",
        address=asker_command_topic("{root}", "{account}/{program}", "{site}", "{device}"),
        about="A request for missed events by an account that may otherwise only read, answered on `reply`. Only "
        "`resend` is carried out here. Who asks is what the topic says, whatever `reply_to` says.",
    ),
    Channel(
        "home_assistant_discovery", Discovery, retained=True, address="{discovery_prefix}/device/{site}/{device}/config"
    ),
    Channel(
        "home_assistant_status",
        Literal["online", "offline"],
        sender="operator",
        address="homeassistant/status",
        content_type="text/plain",
        about="What Home Assistant says when it starts and ends; the agent answers a start with its discovery message.",
    ),
    Channel(MODELS, Models, sender="operator", retained=True, address=models_topic("{root}")),
    Channel(
        MODEL_PART,
        bytes,
        sender="operator",
        retained=True,
        address=part_topic("{root}", "{sha256}", "{part}"),
        content_type="application/octet-stream",
        about="One part of a published model's bundle, counted from 0; devices fetch one after the other.",
    ),
)
"""Every topic of the contract."""

TYPES: Final[dict[str, type[Message]]] = {channel.name: channel.message for channel in CHANNELS if not channel.address}
"""The type of message on each of a device's own topics."""


@dataclass(frozen=True, slots=True)
class CommandKind:
    """A command that devices understand.

    Attributes:
        name: What ``command`` says.
        result: The type of its reply's ``result``; ``None`` where that is empty.
        needs: Fields it cannot do without, by their names on the wire.
    """

    name: str
    result: type[msgspec.Struct] | None = None
    needs: tuple[str, ...] = ()


COMMANDS: Final = (
    CommandKind("ping"),
    CommandKind("resend", ResendResult, needs=("session", "topic", "from", "to")),
    CommandKind("snapshot", SnapshotResult),
)
"""Every command of the contract."""

_RESULTS = {kind.name: kind.result for kind in COMMANDS}


def result_of(reply: Reply) -> Any:
    """What a command gave, as the type that the table of commands names; ``None`` where it gives nothing.

    Raises:
        InputError: The command was refused, or the result is not of that type.
    """
    if not reply.ok:
        raise InputError(f"{reply.command or 'command'} refused: {reply.error}")
    kind = _RESULTS.get(reply.command)
    if kind is None:
        return None
    try:
        return convert(reply.result, kind)
    except msgspec.ValidationError as error:
        raise InputError(f"not the result of a {reply.command}: {error}") from None
