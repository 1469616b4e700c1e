"""The command ``python -m train ablate``: parses, calls, prints."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from train.common.options import LabelMapOption
from train.common.output import print_result, report_progress

app = typer.Typer()


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
    weights: Annotated[Path | None, typer.Option(help="YuNet's weights; the fetched ones unless given.")] = None,
    start: Annotated[
        Path | None, typer.Option("--from", help="A run or bundle with the initial weights of every training.")
    ] = None,
    label_map: LabelMapOption = "",
    json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Train a recipe with one change at a time, over several seeds, and distinguish gains from chance."""
    from train.common.backend import import_backend

    import_backend()
    from train.ablation.effects import to_markdown
    from train.ablation.plan import load_plan
    from train.ablation.runner import AblationInputs, run_ablation
    from train.data import load
    from train.data.ferplus import load_votes
    from train.data.label_map import open_label_map

    planned, variants = load_plan(plan)
    faces = load(data, channels=variants[0].recipe.channels, label_map=open_label_map(label_map))
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
        on_training=report_progress,
        on_epoch=lambda done: report_progress(
            f"  epoch {done.epoch + 1}: validation {done.val_accuracy:.2%}, {done.seconds:.0f} s"
        ),
    )
    print_result(found, to_markdown(planned.title, found), json)
