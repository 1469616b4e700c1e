"""What every field means, as tables for people."""

from __future__ import annotations

from typing import Any

from edge_agent.protocol.asyncapi.document import about, is_json
from edge_agent.protocol.asyncapi.schemas import Schema, components
from edge_agent.protocol.catalogue import CHANNELS, COMMANDS, Channel

_HEAD = """\
# Messages

Written by `edge-agent contract` from the types that encode the messages. How to build on them: docs/dashboards.md in
the agent's repository. Fields are added within `v1`, never renamed or given another meaning; receivers ignore fields
they do not know.
"""
_REF = "#/{name}"
_EXACT = 2**53 - 1
"""Largest whole number every JSON reader holds exactly: a limit of readers, not of the contract."""


def field_tables() -> str:
    """A Markdown page: for every topic what is sent there and what its fields mean."""
    return "\n".join([_HEAD, *(_section(channel) for channel in CHANNELS)])


def _section(channel: Channel) -> str:
    sender = "devices" if channel.sender == "device" else "other programs"
    traits = [f"Sent by {sender}", "retained" if channel.retained else "not retained", "QoS 1"]
    lines = [f"## `{channel.name}`", "", f"`{channel.topic}`. {', '.join(traits)}.", "", about(channel), ""]
    if is_json(channel):
        made = components([channel.message], _REF, conditions=False)
        root = made.pop(channel.message.__name__)
        lines += _table(root)
        results = {kind.result.__name__: kind.name for kind in COMMANDS if kind.result is not None}
        for name, schema in made.items():
            of = f", the `result` of `{results[name]}`" if name in results else ""
            lines += [f"**{name}**{of}: {schema['description']}", "", *_table(schema)]
    return "\n".join(lines)


def _table(schema: Schema) -> list[str]:
    rows = ["| field | type | meaning |", "|---|---|---|"]
    for name, part in schema["properties"].items():
        always = "" if name in schema.get("required", ()) else ", may be absent"
        words = part.get("description", "").replace("|", "\\|")
        rows.append(f"| `{name}` | {_type(part)}{always} | {words} |")
    return [*rows, ""]


def _type(schema: Any) -> str:
    """A schema in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"].rsplit("/", 1)[1])
    if "anyOf" in schema:
        return " or ".join(_type(part) for part in schema["anyOf"])
    if isinstance(schema.get("type"), list):
        return " or ".join("null" if kind == "null" else _type({**schema, "type": kind}) for kind in schema["type"])
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    if schema.get("format") == "date-time":
        return "time"
    kind = str(schema.get("type", "any"))
    if kind == "array":
        inner = _type(schema["items"])
        count = schema.get("minItems")
        return f"{count} {inner}s" if count and count == schema.get("maxItems") else f"list of {inner}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"{_type(schema['additionalProperties'])} by name"
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and low == high:
        return f"`{low}`"
    if low is not None:
        return f"{kind} from {low:g}" + (f" to {high:g}" if high is not None and high < _EXACT else "")
    return kind
