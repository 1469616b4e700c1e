"""The topics of one device: ``{root}/v1/{site}/{device}/{name}``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

VERSION: Final = 1
"""Version of the contract. Within it fields are added, never renamed or given another meaning."""

STATUS: Final = "status"
EXPRESSION: Final = "expression"
SUMMARY: Final = "summary"
HEALTH: Final = "health"
DESIRED: Final = "desired"
COMMAND: Final = "command"
REPLY: Final = "reply"

NAMES: Final = (STATUS, EXPRESSION, SUMMARY, HEALTH, DESIRED, COMMAND, REPLY)
SEQUENCED: Final = (EXPRESSION, SUMMARY)
"""Topics whose messages are numbered without gaps, kept in the outbox and sent again on request."""


RESENT: Final = "resent"

ASKER_PATTERN: Final = r"^[^/+#\x00-\x1f]{1,64}/[^/+#\x00-\x1f]{1,128}$"
"""Who asks for events again: the account at the broker, and a name of the program's own."""


@dataclass(frozen=True, slots=True)
class Address:
    """Who and what a topic is about.

    Attributes:
        site: The device's site.
        device: Its id.
        name: Which of its topics.
        resent: Whether it is an asker's own topic, on which only events travel that it has asked for again.
    """

    site: str
    device: str
    name: str
    resent: bool = False


@dataclass(frozen=True, slots=True)
class Topics:
    """Builds the topics of a device, or with ``+`` for site or device the filter that matches many."""

    root: str
    site: str
    device: str

    def of(self, name: str) -> str:
        """The full topic: ``Topics("classroom", "north", "pi-3a").of("status")``."""
        return f"{self.root}/v{VERSION}/{self.site}/{self.device}/{name}"

    @property
    def client_id(self) -> str:
        """The MQTT client id of the device. Colons cannot occur in the parts, so two devices never share one."""
        return f"{self.root}:{self.site}:{self.device}"


def resent_topic(root: str, asker: str, site: str, device: str, name: str) -> str:
    """Where a device sends events again for one asker alone.

    It stands outside of ``{root}/v1``, so that who may read everything there cannot read this.
    """
    return f"{root}/{RESENT}/v{VERSION}/{asker}/{site}/{device}/{name}"


def asker_command_topic(root: str, asker: str, site: str, device: str) -> str:
    """An asker's request topic: where it may ask a device for events again, and for nothing else.

    At a broker with access rules, an account that otherwise only reads may write its own. The device takes who asks
    from the topic, which the broker has judged.
    """
    return resent_topic(root, asker, site, device, COMMAND)


def asker_of(topic: str, root: str) -> str:
    """Who asks, of a topic of :func:`asker_command_topic`; empty where it is none."""
    parts = topic.split("/")
    asked = len(parts) == 8 and parts[:3] == [root, RESENT, f"v{VERSION}"] and parts[7] == COMMAND
    return f"{parts[3]}/{parts[4]}" if asked else ""


def parse(topic: str, root: str) -> Address | None:
    """What a topic is about, or ``None`` where it is none of this contract under this root."""
    parts = topic.split("/")
    if len(parts) == 8 and parts[:3] == [root, RESENT, f"v{VERSION}"] and parts[7] in SEQUENCED:
        return Address(parts[5], parts[6], parts[7], resent=True)
    if len(parts) != 5 or parts[0] != root or parts[1] != f"v{VERSION}" or parts[4] not in NAMES:
        return None
    return Address(parts[2], parts[3], parts[4])
