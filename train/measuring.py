"""The commands that measure finished models, bundles and run directories alike: parse, call, print."""

from __future__ import annotations

import json as jsonlib
from pathlib import Path
from typing import Annotated

import msgspec
import typer

app = typer.Typer()

Models = Annotated[list[Path], typer.Argument(help="Model bundles and finished run directories.")]
Fer2013 = Annotated[Path, typer.Option("--data", help="fer2013.csv (also .xz, .gz, .zip), or the models' own data.")]
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


@app.command()
def robustness(
    models: Models,
    data: Fer2013,
    out: Annotated[Path | None, typer.Option("--out", help="A picture to draw: .png, .svg or .pdf.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Which directions, levels and grains.")] = 0,
    json: AsJson = False,
) -> None:
    """Spoil held-out faces (small, blurred, dark, turned, masked ...) and tell what each model loses."""
    from train.readers import held_out_faces, open_reader
    from train.report import plot_robustness
    from train.robustness import compare_losses, measure_robustness, render

    readers = tuple(map(open_reader, models))
    measured = measure_robustness(readers, held_out_faces(data, readers), seed=seed, on_step=_tell)
    if out is not None:
        plot_robustness(measured, out)
    _print(measured, "\n\n".join(filter(None, (render(measured), compare_losses(measured)))), json)


@app.command()
def generalise(
    models: Models,
    data: Annotated[Path, typer.Option("--data", help="CK+48's folder, or class folders; nothing they learnt from.")],
    json: AsJson = False,
) -> None:
    """Read faces of a data set the models were not trained on, by the classes both have."""
    from train.data import load
    from train.generalise import measure_generalisation, render
    from train.readers import open_reader

    readers = tuple(map(open_reader, models))
    measured = [measure_generalisation(reader, load(data, channels=reader.channels)) for reader in readers]
    _print(measured, render(measured), json)


@app.command()
def votes(
    models: Models,
    data: Fer2013,
    votes: Annotated[Path, typer.Option(help="FER+'s table fer2013new.csv.")],
    json: AsJson = False,
) -> None:
    """Compare answers on held-out faces with what FER+'s ten annotators chose, by how far these agree."""
    from train.agreement import measure_votes, render
    from train.data.ferplus import load_votes
    from train.readers import held_out_faces, open_reader

    readers = tuple(map(open_reader, models))
    faces = held_out_faces(data, readers)
    joined = load_votes(votes, faces)
    measured = [measure_votes(reader, faces, joined) for reader in readers]
    _print(measured, "\n\n".join(map(render, measured)), json)


def _tell(what: str) -> None:
    typer.echo(what, err=True)


def _print(measured: object, text: str, as_json: bool) -> None:
    typer.echo(jsonlib.dumps(msgspec.to_builtins(measured), indent=2) if as_json else text)
