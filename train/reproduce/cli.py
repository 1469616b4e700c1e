"""The command ``python -m train reproduce``: parse, call, print."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from train.common.precision import Precision

app = typer.Typer()


class Target(str, Enum):
    """Parts of the paper."""

    table8 = "table8"
    table9 = "table9"
    figures = "figures"
    all = "all"


class CkplusSplits(str, Enum):
    """Ways to divide CK+."""

    paper = "paper"
    subject = "subject"
    both = "both"


@app.command()
def reproduce(
    target: Annotated[Target, typer.Argument(help="Which part of the paper.")],
    data: Annotated[
        list[Path] | None,
        typer.Option("--data", help="FER2013's table or CK+48's folder; may be given twice, once for each."),
    ] = None,
    ckplus: Annotated[
        Path | None, typer.Option("--ckplus", help="CK+48's folder, the same as a second --data.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder of all runs; an earlier call's is continued.")] = Path(
        "runs/reproduction"
    ),
    only: Annotated[str, typer.Option("--only", help="Models to train, like 3,6; all unless given.")] = "",
    splits: Annotated[CkplusSplits, typer.Option("--splits", help="How CK+ is divided.")] = CkplusSplits.both,
    seeds: Annotated[
        str, typer.Option("--seeds", help="CK+ on the paper's split: one training for each. All others use the first.")
    ] = "1,2,3",
    epochs: Annotated[
        int,
        typer.Option("--epochs", min=1, help="Epochs of each training; outputs say so if not the paper's 50."),
    ] = 50,
    precision: Annotated[Precision, typer.Option("--precision", help="Keras' dtype policy.")] = "float32",
    device: Annotated[str, typer.Option("--device", help="auto, cpu, gpu, or gpu:1 for the second one.")] = "auto",
    jobs: Annotated[
        int, typer.Option("--jobs", min=1, help="Trainings at the same time; they divide the cores among them.")
    ] = 1,
    docs: Annotated[
        Path | None,
        typer.Option(
            "--docs", help="A second folder for page and plots; trainings that its page shows are not repeated."
        ),
    ] = None,
    report: Annotated[
        bool, typer.Option("--report", help="Train nothing; write the page from the finished trainings.")
    ] = False,
) -> None:
    """Train the models of the paper's tables and figures again and compare them; call again to continue."""
    from train.reproduce.command import Choice, republish, run_target
    from train.reproduce.jobs import Settings

    if report:
        typer.echo(republish(out, docs))
        return
    paths = [*(data or []), *([ckplus] if ckplus else [])]
    run_target(
        Choice(target.value, only, splits.value, seeds),
        paths,
        out,
        Settings(epochs=epochs, precision=precision),
        device=device,
        docs=docs,
        report=typer.echo,
        at_once=jobs,
    )
