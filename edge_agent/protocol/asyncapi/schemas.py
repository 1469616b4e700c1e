"""JSON Schemas of the message types, with what the types' docstrings say of every field.

Receivers ignore fields they do not know, so every object says that it may have more of them.

Code generators read these schemas, too. They name a class after ``title``, or number what has none. They turn a
numeric ``const`` into ``undefined``, a numeric ``enum`` into constants of other values, and ``allOf`` into a class of
its own. So the schemas have titles, and none of the others where a plainer keyword says the same.
"""

from __future__ import annotations

from typing import Any

import msgspec

from edge_agent.protocol.asyncapi.docstrings import fields_of, summary_of
from edge_agent.protocol.catalogue import COMMANDS
from edge_agent.protocol.messages import Command, Reply
from edge_agent.protocol.model_manifest import Models
from edge_agent.protocol.topics import VERSION

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_VERSION_FIELD: Schema = {
    "type": "integer",
    "minimum": VERSION,
    "maximum": VERSION,
    "default": VERSION,
    "description": "Version of the contract; another one is refused.",
}
_LENIENT: tuple[type[msgspec.Struct], ...] = (Command, Models)
"""What devices take without a version, too."""
_LENIENT_VERSION_FIELD = _VERSION_FIELD | {
    "description": "Version of the contract; another one is refused. Devices take a message without it as this one."
}


def components(kinds: list[Any], ref: str, *, conditions: bool) -> dict[str, Schema]:
    """The schemas of all types that the given ones are made of, by name.

    Args:
        kinds: The types.
        ref: How schemas refer to each other, with ``{name}`` in it.
        conditions: Whether schemas say what depends on the command. Validators understand that. Code generators take it
            for true of every command. A union of the results would not help: the Pydantic classes that they make change
            what they read before they refuse it.
    """
    results = [kind.result for kind in COMMANDS if kind.result is not None] if Reply in kinds else []
    wanted = [*kinds, *results]
    found = _null_last(msgspec.json.schema_components(wanted, ref_template=ref)[1])
    classes = {found_class.__name__: found_class for kind in wanted for found_class in structs_in(kind)}
    made = {name: _finished(schema, classes.get(name)) for name, schema in sorted(found.items())}
    if Command in kinds and conditions:
        made["Command"]["allOf"] = [_needs(kind.name, kind.needs) for kind in COMMANDS if kind.needs]
    if Reply in kinds and conditions:
        made["Reply"]["allOf"] = [
            _result(kind.name, ref.format(name=kind.result.__name__)) for kind in COMMANDS if kind.result is not None
        ]
    return made


def _null_last(part: Any) -> Any:
    """The same with null as the last choice: versions of msgspec and Python differ in the order."""
    if isinstance(part, list):
        return [_null_last(one) for one in part]
    if not isinstance(part, dict):
        return part
    made = {key: _null_last(value) for key, value in part.items()}
    if "anyOf" in made:
        made["anyOf"].sort(key=lambda choice: choice == {"type": "null"})
    return made


def standalone(kind: Any, name: str, examples: list[Any]) -> Schema:
    """One type's schema as a document of its own, in JSON Schema 2020-12."""
    made = components([kind], "#/$defs/{name}", conditions=True)
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
    properties = {
        name: _described(plain(part, kind.__name__ + camel_case(name)), described.get(name, ""))
        for name, part in schema["properties"].items()
    }
    made = schema | {"description": summary_of(kind), "properties": properties, "additionalProperties": True}
    if "v" in properties:
        properties["v"] = _VERSION_FIELD
        if kind in _LENIENT:
            properties["v"] = _LENIENT_VERSION_FIELD
            made["required"] = [name for name in schema["required"] if name != "v"]
    return made


def plain(schema: Schema, title: str) -> Schema:
    """A schema as code generators can digest it.

    Args:
        schema: As msgspec makes it.
        title: What a class is called that is made of it.
    """
    if "enum" in schema:
        return {"title": title, "type": "string", **schema}
    parts = schema.get("anyOf", [])
    if len(parts) == 2 and {"type": "null"} in parts:
        other = next(part for part in parts if part != {"type": "null"})
        if "type" in other:
            return {**other, "type": [other["type"], "null"]}
    return {"title": title, **schema} if parts else schema


def camel_case(name: str) -> str:
    """A name of snake_case or kebab-case as a class would be called."""
    return "".join(part.capitalize() for part in name.replace("-", "_").split("_"))


def _described(schema: Schema, words: str) -> Schema:
    # Readers of older dialects pass over what stands beside a reference; people do not.
    return {**schema, "description": words} if words else schema


def _needs(command: str, fields: tuple[str, ...]) -> Schema:
    return {"if": {"properties": {"command": {"const": command}}}, "then": {"required": list(fields)}}


def _result(command: str, ref: str) -> Schema:
    done = {"command": {"const": command}, "ok": {"const": True}}
    return {
        "if": {"properties": done},
        "then": {"required": ["result"], "properties": {"result": {"$ref": ref}}},
    }
