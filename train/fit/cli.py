"""The commands that train: ``fit`` and ``average``: parse, call, print."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from edge_agent.errors import InputError
from train.common.options import DATA_HELP, LabelMapOption, LabelMapsOption, given
from train.common.precision import FASTEST, PrecisionChoice

if TYPE_CHECKING:
    from train.data.dataset import FaceSet, Split
    from train.fit.recipe import Recipe

app = typer.Typer()

Data = Annotated[Path, typer.Option("--data", help=DATA_HELP)]


@app.command()
def fit(
    recipe: Annotated[str, typer.Argument(help="Name of a bundled recipe, or a TOML file.")],
    data: Annotated[
        list[Path],
        typer.Option("--data", help=f"{DATA_HELP} Given several times, the others are training faces alone."),
    ],
    out: Annotated[Path, typer.Option("--out", help="Run directory to make, or to continue with --resume.")],
    resume: Annotated[bool, typer.Option("--resume", help="Continue the unfinished run in --out.")] = False,
    start: Annotated[
        Path | None, typer.Option("--from", help="A finished run or a model bundle with the initial weights.")
    ] = None,
    votes: Annotated[Path | None, typer.Option(help="FER+'s table fer2013new.csv, for recipes that use it.")] = None,
    teacher: Annotated[
        list[Path] | None, typer.Option("--teacher", help="Bundle of a teacher model; may be given several times.")
    ] = None,
    label_map: LabelMapsOption = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Train for so many epochs; phases and warm-up keep their shares.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Train only on so many images, drawn by class.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Peak learning rate, instead of the recipe's.")] = None,
    early_stop: Annotated[
        int | None,
        typer.Option(
            min=0, help="Stop after so many epochs without a lower validation loss and keep the best weights."
        ),
    ] = None,
    precision: Annotated[
        PrecisionChoice | None, typer.Option(help="Instead of the recipe's; fastest measures before a long training.")
    ] = None,
    fast: Annotated[bool, typer.Option("--fast", help="Allow operations that are not deterministic.")] = False,
    devices: Annotated[
        int, typer.Option(min=1, help="Devices to divide each batch among; more than one needs JAX.")
    ] = 1,
    hosts: Annotated[int, typer.Option(min=1, envvar="TRAIN_HOSTS", help="Processes that train together.")] = 1,
    host: Annotated[int, typer.Option(min=0, envvar="TRAIN_HOST", help="This process, from 0; 0 writes the run.")] = 0,
    coordinator: Annotated[str, typer.Option(envvar="TRAIN_COORDINATOR", help="ADDRESS:PORT of host 0.")] = "",
) -> None:
    """Train a network by a recipe into a run directory."""
    from train.common.backend import import_backend

    import_backend()
    from train.data import load
    from train.data.ferplus import load_votes
    from train.data.label_map import open_label_maps
    from train.data.splits import make_split
    from train.fit.distributed import Placement, join_process_group
    from train.fit.initial_weights import open_initial_weights
    from train.fit.inputs import TrainingInputs
    from train.fit.progress import show_progress
    from train.fit.recipe import adjust, load_recipe
    from train.fit.run_dir import RunDir
    from train.fit.trainer import fit as train

    if learning_rate is not None and not 0.0 < learning_rate <= 10.0:
        raise InputError("--learning-rate", received=learning_rate, expected="more than 0 and at most 10")
    settings = adjust(
        load_recipe(recipe),
        epochs=epochs,
        limit=limit,
        learning_rate=learning_rate,
        early_stop=early_stop,
        precision=precision,
    )
    if hosts == 1 and not (resume and RunDir(out).exists()):
        RunDir(out).check_empty()
    maps = open_label_maps(label_map or (), len(data))
    faces, *extra = (
        load(path, channels=settings.channels, label_map=meaning) for path, meaning in zip(data, maps, strict=True)
    )
    split = make_split(faces, settings.protocol)
    settings = _with_precision(settings, out if resume else None, faces, split, extra)
    with (
        join_process_group(Placement(devices, hosts, host, coordinator)) as group,
        show_progress(settings.epochs, show=group.is_leader) as progress,
    ):
        inputs = TrainingInputs(
            settings,
            faces,
            split,
            votes=load_votes(votes, faces) if votes else None,
            teachers=teacher or (),
            initial_weights=open_initial_weights(start, faces.images[split.train]) if start else None,
            extra=extra,
        )
        try:
            train(
                inputs,
                RunDir(out),
                resume=resume,
                deterministic=not fast,
                group=group,
                on_step=progress.step,
                on_epoch=progress.epoch,
            )
        except KeyboardInterrupt:
            if group.is_leader:
                typer.echo(f"Interrupted. The same command with --resume continues the run in {out}.", err=True)
            raise
    if host == 0:
        if note := RunDir(out).record().protocol_note:
            typer.echo(note, err=True)
        typer.echo(f"The run is in {out}. Next: python -m train evaluate {out} --data {data[0]}{given(maps[0].named)}")


@app.command()
def average(
    runs: Annotated[
        list[Path],
        typer.Argument(help="Finished runs of one network, and bundles of their initial weights."),
    ],
    data: Data,
    out: Annotated[Path, typer.Option("--out", help="Run directory to make.")],
    label_map: LabelMapOption = "",
) -> None:
    """Average the weights of several trainings, or of one and its initial weights, into one finished run."""
    from train.common.backend import import_backend

    import_backend()
    from train.data import load
    from train.data.label_map import open_label_map
    from train.fit.average import average as average_runs
    from train.fit.run_dir import RunDir

    channels = next((RunDir(run).record().recipe.channels for run in runs if not run.is_file()), 1)
    found = average_runs(runs, load(data, channels=channels, label_map=open_label_map(label_map)), RunDir(out))
    members = ", ".join(f"{name} {share:.2%}" for name, share in found.members)
    typer.echo(f"Its accuracy on the validation part is {found.accuracy:.2%}; its members: {members}")
    typer.echo(f"The run is in {out}. Next: python -m train evaluate {out} --data {data}{given(label_map)}")


def _with_precision(
    settings: Recipe, continued: Path | None, faces: FaceSet, split: Split, extra: Sequence[FaceSet]
) -> Recipe:
    """The recipe with a precision instead of ``fastest``: that of the run to continue, or what is measured now."""
    from train.data.splits import limit_training, training_only
    from train.fit.run_dir import RunDir
    from train.fit.speed import choose_speed, thread_environment

    if settings.precision != FASTEST:
        return settings
    if continued is not None and RunDir(continued).exists():
        return msgspec.structs.replace(settings, precision=RunDir(continued).record().recipe.precision)
    images = len(limit_training(split, faces.labels, settings.limit, settings.seed).train)
    images += sum(len(training_only(one).train) for one in extra)
    chosen = choose_speed(settings, images, len(faces.classes))
    if chosen.images_per_s:
        typer.echo(f"The fastest here is {chosen.describe()}.", err=True)
    os.environ.update(thread_environment(chosen.threads))  # read when the backend computes for the first time
    return msgspec.structs.replace(settings, precision=chosen.precision)
