"""The tables of fields: each field of each message has its type, and is there unless it may be absent."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from typing import Any, Union, get_args, get_origin

import msgspec
from msgspec import UnsetType

from edge_agent.conformance.clauses import Clauses
from edge_agent.conformance.record import NotTested, Record
from edge_agent.decoding import convert
from edge_agent.protocol.catalogue import TYPES
from edge_agent.protocol.topics import EXPRESSION, HEALTH, REPLY, STATUS, SUMMARY

CLAUSES: Clauses[Record] = Clauses(801)


def _of_field(name: str, field: msgspec.structs.FieldInfo) -> Callable[[Record], Iterator[str]]:
    wanted = _without_unset(field.type)

    def check(record: Record) -> Iterator[str]:
        messages = record.of(name)
        if not field.required and all(field.encode_name not in seen.fields for seen in messages):
            raise NotTested("it may be absent, and was")
        for seen in messages:
            if field.encode_name not in seen.fields:
                if field.required:
                    yield f"{seen.label}: absent"
                continue
            try:
                convert(seen.fields[field.encode_name], wanted)
            except msgspec.ValidationError as error:
                yield f"{seen.label}: {error}"

    return check


def _without_unset(kind: Any) -> Any:
    if get_origin(kind) not in (Union, types.UnionType):
        return kind
    return Union[tuple(part for part in get_args(kind) if part is not UnsetType)]  # noqa: UP007 - made of a tuple


for _name in (STATUS, EXPRESSION, SUMMARY, HEALTH, REPLY):
    for _field in msgspec.structs.fields(TYPES[_name]):
        _text = f"`{_field.encode_name}` of {_name} has its type{'' if _field.required else ', where it is there'}."
        CLAUSES.must("fields", _text, f"contract/messages.md, {_name}")(_of_field(_name, _field))
