"""The commands that measure finished models, or the effect of a change to a recipe: parse, call, print."""

from __future__ import annotations

import json as jsonlib
from pathlib import Path
from typing import Annotated

import msgspec
import typer

app = typer.Typer()

Models = Annotated[list[Path], typer.Argument(help="Model bundles and finished run directories.")]
Fer2013 = Annotated[Path, typer.Option("--data", help="fer2013.csv (also packed), or the models' own data.")]
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


@app.command()
def robustness(
    models: Models,
    data: Fer2013,
    out: Annotated[Path | None, typer.Option("--out", help="A picture to draw: .png, .svg or .pdf.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the random directions, gray levels and noise.")] = 0,
    json: AsJson = False,
) -> None:
    """Measure the accuracy that models lose on corrupted held-out faces (small, blurred, dark, turned, masked ...)."""
    from train.measure.plots import plot_robustness
    from train.measure.predictors import held_out_faces, open_predictor
    from train.measure.robustness import compare_losses, measure_robustness, to_markdown

    predictors = tuple(map(open_predictor, models))
    measured = measure_robustness(predictors, held_out_faces(data, predictors), seed=seed, on_step=_report)
    if out is not None:
        plot_robustness(measured, out)
    _print(measured, "\n\n".join(filter(None, (to_markdown(measured), compare_losses(measured)))), json)


@app.command()
def generalise(
    models: Models,
    data: Annotated[
        Path, typer.Option("--data", help="CK+48's folder, or class folders; no data they were trained on.")
    ],
    json: AsJson = False,
) -> None:
    """Evaluate models on a data set they were not trained on, for the classes that both have."""
    from train.data import load
    from train.measure.cross_dataset import evaluate_cross_dataset, to_markdown
    from train.measure.predictors import open_predictor

    predictors = tuple(map(open_predictor, models))
    measured = [evaluate_cross_dataset(predictor, load(data, channels=predictor.channels)) for predictor in predictors]
    _print(measured, to_markdown(measured), json)


@app.command()
def votes(
    models: Models,
    data: Fer2013,
    votes: Annotated[Path, typer.Option(help="FER+'s table fer2013new.csv.")],
    json: AsJson = False,
) -> None:
    """Compare answers on held-out faces with the choices of FER+'s ten annotators, by how far these agree."""
    from train.data.ferplus import load_votes
    from train.measure.annotator_agreement import measure_agreement, to_markdown
    from train.measure.predictors import held_out_faces, open_predictor

    predictors = tuple(map(open_predictor, models))
    faces = held_out_faces(data, predictors)
    joined = load_votes(votes, faces)
    measured = [measure_agreement(predictor, faces, joined) for predictor in predictors]
    _print(measured, "\n\n".join(map(to_markdown, measured)), json)


@app.command()
def readback(
    bundle: Annotated[Path, typer.Argument(help="A model bundle.")],
    data: Fer2013,
    json: AsJson = False,
) -> None:
    """Tell what a training that starts from a bundle starts with: its weights, read back, on held-out faces."""
    from train.measure.warm_start_check import check_warm_start, render

    measured = check_warm_start(bundle, data)
    _print(measured, render(measured), json)


@app.command()
def ablate(
    plan: Annotated[str, typer.Argument(help="Name of a bundled ablation, or a TOML file.")],
    data: Annotated[Path, typer.Option("--data", help="The data to train and validate on.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for runs and results; an interrupted one is continued.")],
    votes: Annotated[Path | None, typer.Option(help="FER+'s table fer2013new.csv, for recipes that use it.")] = None,
    teacher: Annotated[
        list[Path] | None,
        typer.Option("--teacher", help="A model bundle, for recipes that use one; several may be given."),
    ] = None,
    weights: Annotated[Path | None, typer.Option(help="YuNet's weights; where fetched unless given.")] = None,
    start: Annotated[
        Path | None, typer.Option("--from", help="A run or bundle whose weights every training begins with.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Train a recipe with one change at a time, over several seeds, and distinguish gains from chance."""
    from train.ablation.effects import to_markdown
    from train.ablation.plan import load_plan
    from train.ablation.runner import AblationInputs, run_ablation
    from train.data import load
    from train.data.ferplus import load_votes

    planned, variants = load_plan(plan)
    faces = load(data, channels=variants[0].recipe.channels)
    found = run_ablation(
        planned,
        variants,
        AblationInputs(
            faces=faces,
            votes=load_votes(votes, faces) if votes else None,
            teachers=teacher or (),
            weights=weights,
            start=start,
        ),
        out,
        on_training=_report,
        on_epoch=lambda done: _report(
            f"  epoch {done.epoch + 1}: validation {done.val_accuracy:.2%}, {done.seconds:.0f} s"
        ),
    )
    _print(found, to_markdown(planned.title, found), json)


def _report(what: str) -> None:
    typer.echo(what, err=True)


def _print(measured: object, text: str, as_json: bool) -> None:
    typer.echo(jsonlib.dumps(msgspec.to_builtins(measured), indent=2) if as_json else text)
