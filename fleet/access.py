"""The broker's access rules, in Mosquitto's format. What is not allowed here is denied."""

from __future__ import annotations

from collections.abc import Iterable

from edge_agent.config import Name
from edge_agent.errors import InputError
from edge_agent.protocol.ha_discovery import discovery_node
from edge_agent.protocol.model_manifest import models_topic, part_topic
from edge_agent.protocol.topics import (
    COMMAND,
    DESIRED,
    EXPRESSION,
    HEALTH,
    REPLY,
    SEQUENCED,
    STATUS,
    SUMMARY,
    Topics,
    asker_command_topic,
    resent_topic,
)
from fleet.register import Register

DASHBOARD, OPERATOR, HOME_ASSISTANT = "dashboard", "operator", "homeassistant"
"""Accounts with a password, for people and their programs."""
PAGE, PAGE_OPERATOR = "page", "page-operator"
"""The two accounts of the school's page: one reads, the other carries out what operators do."""


def access_rules(register: Register, local: str = "") -> str:
    """The content of the file.

    Args:
        register: Who is enrolled.
        local: The school's own rules, copied unchanged; empty for none. They come first: a ``topic`` without a ``user``
            before it would otherwise belong to the device above it.
    """
    root = register.school.root
    any_device = Topics(root, "+", "+")
    control = _writes(any_device.of(name) for name in (DESIRED, COMMAND))
    watch = [f"topic read {root}/v1/#"]
    models = [f"topic readwrite {name}" for name in (models_topic(root), part_topic(root, "+", "+"))]
    tools = [
        *watch,
        *control,
        *models,
        *_writes([any_device.of(STATUS), any_device.of(HEALTH), applied_topic(register)]),
    ]
    tools.append("topic readwrite homeassistant/+/+/+/config")  # to remove what a revoked device has left
    accounts = [
        ("the fleet commands", register.school.reader, tools),
        ("dashboards: see everything, change nothing", DASHBOARD, watch),
        ("operators: also send desired states and commands", OPERATOR, [*watch, *control, *models]),
        (
            "Home Assistant: the same, and its own topics",
            HOME_ASSISTANT,
            [*watch, *control, "topic readwrite homeassistant/#"],
        ),
    ]
    asker_commands = asker_command_topic(root, f"{PAGE}/+", "+", "+")
    page_control = [f"topic read {any_device.of(name)}" for name in (DESIRED, REPLY)]
    # To remove what a device has left that is gone. Rules name topics, not contents: none can say "delete only".
    page_control += _writes(any_device.of(name) for name in (STATUS, HEALTH))
    accounts += [
        (
            "the school's page: see everything, ask for missed events again",
            PAGE,
            [*watch, f"topic write {asker_commands}"],
        ),
        ("the school's page, for operators' commands", PAGE_OPERATOR, [*page_control, *control]),
    ]
    devices = [(entry.name, entry.identity, _device_rules(root, entry.site, entry.device)) for entry in register.active]
    blocks = ["\n".join([f"# {what}", f"user {user}", *rules]) + "\n" for what, user, rules in [*accounts, *devices]]
    head = "# Written by 'edge-agent fleet'; rules of your own go into acl.local in the fleet's folder.\n"
    return "\n".join([head, *([local] if local else []), _asker_rules(root), *blocks])


def applied_topic(register: Register) -> str:
    """Where the fleet commands may publish once the broker has read this edition of the rules, and not before."""
    return f"{register.school.root}/fleet/applied/{register.edition}"


def discovery_filter(site: Name, device: Name) -> str:
    """The topics on which a device may make itself known to Home Assistant."""
    node, thing = discovery_node(site, device)
    return f"homeassistant/+/{node}/{thing}/config"


def check_no_clash(register: Register, site: Name, device: Name) -> None:
    """Refuse a device that would share its Home Assistant topic with another one.

    Raises:
        InputError: One that is enrolled differs only in dots and underscores.
    """
    for entry in register.active:
        same = discovery_node(entry.site, entry.device) == discovery_node(site, device)
        if same and (entry.site, entry.device) != (site, device):
            raise InputError(
                f"{site}/{device} differs from {entry.name} only in dots and underscores",
                remedy="Give the device another id",
            )


def _asker_rules(root: str) -> str:
    """Every account reads what was sent again for it, and nobody else's.

    Mosquitto lets no account in by such a rule whose name has a wildcard in it.
    """
    topic = resent_topic(root, "%u/+", "+", "+", "+")
    return f"# everybody: events that the account itself has asked for again\npattern read {topic}\n"


def _device_rules(root: str, site: str, device: str) -> list[str]:
    own = Topics(root, site, device)
    node, thing = discovery_node(site, device)
    return [
        f"topic readwrite {own.of(STATUS)}",
        *_writes(own.of(name) for name in (EXPRESSION, SUMMARY, HEALTH, REPLY)),
        *_writes(resent_topic(root, "+/+", site, device, name) for name in SEQUENCED),
        *(f"topic read {own.of(name)}" for name in (DESIRED, COMMAND)),
        f"topic read {asker_command_topic(root, '+/+', site, device)}",
        f"topic readwrite homeassistant/+/{node}/{thing}/config",
        *(f"topic read {name}" for name in (models_topic(root), part_topic(root, "+", "+"))),
        "topic read homeassistant/status",
    ]


def _writes(topics: Iterable[str]) -> list[str]:
    return [f"topic write {topic}" for topic in topics]
