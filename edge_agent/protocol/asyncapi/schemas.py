"""JSON Schemas of the message types, with what the types' docstrings say of every field.

Receivers ignore fields they do not know, so every object says that it may have more of them.
"""

from __future__ import annotations

from typing import Any

import msgspec

from edge_agent.protocol.asyncapi.docstrings import fields_of, summary_of
from edge_agent.protocol.catalogue import COMMANDS
from edge_agent.protocol.messages import Command, Reply
from edge_agent.protocol.topics import VERSION

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_VERSION_FIELD: Schema = {"const": VERSION, "description": "Version of the contract; another one is refused."}


def components(kinds: list[Any], ref: str) -> dict[str, Schema]:
    """The schemas of all types that the given ones are made of, by name.

    Args:
        kinds: The types.
        ref: How schemas refer to each other, with ``{name}`` in it.
    """
    results = [kind.result for kind in COMMANDS if kind.result is not None] if Reply in kinds else []
    wanted = [*kinds, *results]
    _, found = msgspec.json.schema_components(wanted, ref_template=ref)
    classes = {found_class.__name__: found_class for kind in wanted for found_class in structs_in(kind)}
    made = {name: _finished(schema, classes.get(name)) for name, schema in sorted(found.items())}
    if Command in kinds:
        made["Command"]["allOf"] = [_needs(kind.name, kind.needs) for kind in COMMANDS if kind.needs]
    if Reply in kinds:
        made["Reply"]["allOf"] = [
            _result(kind.name, ref.format(name=kind.result.__name__)) for kind in COMMANDS if kind.result is not None
        ]
    return made


def standalone(kind: Any, name: str, examples: list[Any]) -> Schema:
    """One type's schema as a document of its own, in JSON Schema 2020-12."""
    made = components([kind], "#/$defs/{name}")
    root = made.pop(kind.__name__)
    schema: Schema = {"$schema": DIALECT, "$id": f"urn:classroom-edge-agent:v{VERSION}:{name}", **root}
    if made:
        schema["$defs"] = made
    if examples:
        schema["examples"] = examples
    return schema


def structs_in(kind: Any) -> set[type[msgspec.Struct]]:
    """The message types that a type is made of, itself included."""
    found: set[type[msgspec.Struct]] = set()
    _walk(msgspec.inspect.type_info(kind), found)
    return found


def _walk(info: Any, found: set[type[msgspec.Struct]]) -> None:
    if isinstance(info, msgspec.inspect.StructType):
        if info.cls in found:
            return
        found.add(info.cls)
    if isinstance(info, msgspec.Struct):
        for name in info.__struct_fields__:
            _walk(getattr(info, name), found)
    elif isinstance(info, tuple):
        for part in info:
            _walk(part, found)


def _finished(schema: Schema, kind: type[msgspec.Struct] | None) -> Schema:
    """A schema as msgspec makes it, with descriptions in their places and open to more fields."""
    if kind is None:
        return schema
    described = fields_of(kind)
    properties = {name: _described(part, described.get(name, "")) for name, part in schema["properties"].items()}
    if "v" in properties:
        properties["v"] = _VERSION_FIELD
    return schema | {"description": summary_of(kind), "properties": properties, "additionalProperties": True}


def _described(schema: Schema, words: str) -> Schema:
    if "$ref" in schema:  # readers of older dialects pass over what stands beside a reference
        schema = {"allOf": [schema]}
    return {**schema, "description": words} if words else schema


def _needs(command: str, fields: tuple[str, ...]) -> Schema:
    return {"if": {"properties": {"command": {"const": command}}}, "then": {"required": list(fields)}}


def _result(command: str, ref: str) -> Schema:
    done = {"command": {"const": command}, "ok": {"const": True}}
    return {
        "if": {"properties": done},
        "then": {"required": ["result"], "properties": {"result": {"$ref": ref}}},
    }
