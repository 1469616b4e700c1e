"""Options that several commands of training and export have."""

from __future__ import annotations

from typing import Annotated

import typer

_HELP = (
    "What the data's class names mean: rafdb, affectnet or fer2013 for numbers, or a TOML file of lines like "
    '"1" = "surprise".'
)

DATA_HELP = "fer2013.csv (also packed), CK+48's folder, or class folders."
"""What is said of data that may be of any kind."""

LabelMapOption = Annotated[str, typer.Option("--label-map", help=_HELP)]

LabelMapsOption = Annotated[
    list[str] | None, typer.Option("--label-map", help=f"{_HELP} Once for all data, or once for each --data in order.")
]


def given(label_map: str) -> str:
    """The option ``--label-map`` as it was given, for a command that somebody is to type; empty where it was not."""
    return f" --label-map {label_map}" if label_map else ""
