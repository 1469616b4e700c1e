"""Options that several commands of training and export have."""

from __future__ import annotations

from typing import Annotated

import typer

_HELP = (
    "What the data's class names mean: rafdb, affectnet or fer2013 for numbers, or a TOML file of lines like "
    '"1" = "surprise".'
)

LabelMapOption = Annotated[str, typer.Option("--label-map", help=_HELP)]

LabelMapsOption = Annotated[
    list[str] | None, typer.Option("--label-map", help=f"{_HELP} Once for all data, or once for each --data in order.")
]
