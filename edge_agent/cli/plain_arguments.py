"""Arguments of a long-running command, read without what typer needs to convert and to explain them.

Typer converts with pydantic, which stays in memory for as long as the process lives: 7 MB. Words, paths
and flags need no such help. Whatever else is on the command line, mistakes included, is left to typer. So the function
with its annotations stays the only description of the command line.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import typer
from typer.core import TyperCommand


class PlainCommand(TyperCommand):
    """A command that converts plain arguments itself."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Fill ``ctx.params``; the arguments that are left, which is none."""
        values = plain_values(self, args)
        if values is None:
            return list(super().parse_args(ctx, args))
        ctx.params.update(values)
        return []


def plain_values(command: TyperCommand, args: Sequence[str]) -> dict[str, Any] | None:
    """What a command line says, by the name of the function's parameter; ``None`` where typer has to judge it.

    Args:
        command: All its parameters are options: paths, words, words among some, or flags.
        args: What stands after the command's name.
    """
    function: Callable[..., Any] = command.callback  # type: ignore[assignment]
    try:
        given, left, _ = command.make_parser(typer.Context(command)).parse_args(args=list(args))
    except Exception:  # noqa: BLE001 - of several classes, by typer's version; typer says what is wrong
        return None
    hints = get_type_hints(function)
    if left or not hints.keys() >= given.keys():  # --help is no parameter of the function
        return None
    values: dict[str, Any] = {}
    for parameter in command.params:
        name = str(parameter.name)
        if name not in given:
            values[name] = parameter.default
            continue
        converted = _converted(given[name], hints[name])
        if converted is None:
            return None
        values[name] = converted
    return values


def _converted(value: Any, hint: Any) -> Any:
    """The value as the annotation asks for; ``None`` where that takes more than a look."""
    kinds = [kind for kind in get_args(hint) if kind is not NoneType] if NoneType in get_args(hint) else [hint]
    if len(kinds) != 1 or not isinstance(value, (str, bool)):
        return None
    kind = kinds[0]
    if get_origin(kind) is Literal:
        return value if value in get_args(kind) else None
    if kind is Path and isinstance(value, str):
        return Path(value)
    return value if kind in (str, bool) and isinstance(value, kind) else None
