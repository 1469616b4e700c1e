"""The training's command line, ``python -m train``: parses, calls, prints."""

from __future__ import annotations

import json as jsonlib
from pathlib import Path
from typing import Annotated, Literal

import typer

from edge_agent.command_line import HELP_WIDTH, run_app
from train.measure.cli import app as measuring
from train.reproduce.cli import app as reproducing

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings=HELP_WIDTH,
    help="Train expression models.",
)

app.add_typer(measuring)
app.add_typer(reproducing)

Data = Annotated[Path, typer.Option("--data", help="fer2013.csv (also packed), CK+48's folder, or class folders.")]


@app.command()
def describe(
    data: Annotated[Path, typer.Argument(help="fer2013.csv (also packed), CK+48's folder, or class folders.")],
    protocol: Annotated[str, typer.Option(help="Count by this split instead of the publisher's.")] = "",
    json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Count a data set by class and split, and find duplicates and unreadable files."""
    from train.data import describe as describing
    from train.data import load
    from train.data.splits import make_split

    faces = load(data, on_unreadable="report")
    description = describing.describe(faces, make_split(faces, protocol) if protocol else None)
    typer.echo(jsonlib.dumps(description.to_json(), indent=2) if json else describing.render(description))


@app.command()
def prepare(
    images: Annotated[Path, typer.Option("--images", help="Photographs: <class>/ or <class>/<person>/ with pictures.")],
    out: Annotated[Path, typer.Option("--out", help="New folder for the crops, which are pictures of people.")],
    detector: Annotated[Literal["auto", "haar", "yunet"], typer.Option(help="The one the device will use.")] = "auto",
    weights: Annotated[Path | None, typer.Option(help="YuNet's weights; where fetched unless given.")] = None,
    min_face: Annotated[int, typer.Option(min=12, max=1000, help="Smallest face taken, in pixels.")] = 24,
    several: Annotated[
        Literal["clear", "skip", "largest", "all"],
        typer.Option(help="Of several faces take the largest if clearly so, none, the largest, or all."),
    ] = "clear",
    channels: Annotated[int, typer.Option(help="1 for gray crops, 3 for colour.")] = 1,
    person: Annotated[str, typer.Option(help="Regular expression that finds who is shown in a file's name.")] = "",
    validation: Annotated[float, typer.Option(min=0.05, max=0.5, help="Share of each class for validation.")] = 0.15,
    test: Annotated[float, typer.Option(min=0.0, max=0.4, help="Share for the test; 0 for none.")] = 0.15,
    seed: Annotated[int, typer.Option(min=0, help="Of the split.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Cut the faces out of own photographs as the device would, split by people, ready for fit."""
    from train.fit.progress import show_count
    from train.prepare.face_cropping import Policy
    from train.prepare.pipeline import prepare as prepare_crops
    from train.prepare.report import render

    policy = Policy(detector, weights, min_face, several, channels, person, validation, test, seed)
    with show_count("photographs") as count:
        report = prepare_crops(images, out, policy, count)
    typer.echo(jsonlib.dumps(report.to_json(), indent=2) if json else render(report))
    typer.echo(
        f"The crops are in {out}. They are pictures of people: who sees them is for you to answer for.", err=True
    )
    recipe = "finetune" if channels == 1 else "finetune-colour"
    typer.echo(f"Next: python -m train fit {recipe} --from BUNDLE_OR_RUN --data {out} --out RUN", err=True)


@app.command()
def fit(
    recipe: Annotated[str, typer.Argument(help="Name of a bundled recipe, or a TOML file.")],
    data: Data,
    out: Annotated[Path, typer.Option("--out", help="Run directory to make, or with --resume to continue.")],
    resume: Annotated[bool, typer.Option("--resume", help="Continue the unfinished run in --out.")] = False,
    start: Annotated[
        Path | None, typer.Option("--from", help="A finished run or a model bundle whose weights to begin with.")
    ] = None,
    votes: Annotated[Path | None, typer.Option(help="FER+'s table fer2013new.csv, for recipes that use it.")] = None,
    teacher: Annotated[
        list[Path] | None, typer.Option("--teacher", help="A model bundle to learn from; may be given several times.")
    ] = None,
    fast: Annotated[bool, typer.Option("--fast", help="Let the backend use operations whose last bits vary.")] = False,
    devices: Annotated[
        int, typer.Option(min=1, help="Devices to spread each batch over; more than one needs JAX.")
    ] = 1,
    hosts: Annotated[int, typer.Option(min=1, envvar="TRAIN_HOSTS", help="Processes that train together.")] = 1,
    host: Annotated[int, typer.Option(min=0, envvar="TRAIN_HOST", help="This one's number; 0 writes the run.")] = 0,
    coordinator: Annotated[str, typer.Option(envvar="TRAIN_COORDINATOR", help="ADDRESS:PORT of host 0.")] = "",
) -> None:
    """Train a network by a recipe into a run directory."""
    from train.data import load
    from train.data.ferplus import load_votes
    from train.data.splits import make_split
    from train.fit.distributed import Placement, join_process_group
    from train.fit.initial_weights import open_initial_weights
    from train.fit.inputs import TrainingInputs
    from train.fit.progress import show_progress
    from train.fit.recipe import load_recipe
    from train.fit.run_dir import RunDir
    from train.fit.trainer import fit as train

    settings = load_recipe(recipe)
    faces = load(data, channels=settings.channels)
    split = make_split(faces, settings.protocol)
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
        )
        train(
            inputs,
            RunDir(out),
            resume=resume,
            deterministic=not fast,
            group=group,
            on_step=progress.step,
            on_epoch=progress.epoch,
        )
    if host == 0:
        if note := RunDir(out).record().protocol_note:
            typer.echo(note, err=True)
        typer.echo(f"The run is in {out}. Next: python -m train evaluate {out} --data {data}")


@app.command()
def evaluate(
    run: Annotated[Path, typer.Argument(help="A finished run directory.")],
    data: Data,
    part: Annotated[str, typer.Option(help="train, validation or test.")] = "validation",
    json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Score a finished run; figures and plots go into its folder ``evaluation``."""
    from train.measure.score import score_run

    evaluation, text = score_run(run, data, part)
    typer.echo(jsonlib.dumps(evaluation.to_json(), indent=2) if json else text)


@app.command()
def compare(
    runs: Annotated[list[Path], typer.Argument(help="Run directories, finished or not.")],
    out: Annotated[Path | None, typer.Option("--out", help="A picture of their curves: .png, .svg or .pdf.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Set runs side by side: what each reached, and the settings in which they differ."""
    from train.fit.run_dir import RunDir
    from train.measure.compare import compare as compare_runs
    from train.measure.compare import to_markdown
    from train.measure.plots import plot_runs

    comparison = compare_runs(runs)
    if out is not None:
        plot_runs({name: RunDir(run).metrics() for name, run in zip(comparison.runs, runs, strict=True)}, out)
    typer.echo(jsonlib.dumps(comparison.to_json(), indent=2) if json else to_markdown(comparison))


@app.command()
def average(
    runs: Annotated[
        list[Path],
        typer.Argument(help="Finished runs of one network, and bundles they began with."),
    ],
    data: Data,
    out: Annotated[Path, typer.Option("--out", help="Run directory to make.")],
) -> None:
    """Average the weights of several trainings, or of one and what it began with, into one finished run."""
    from train.data import load
    from train.fit.average import average as average_runs
    from train.fit.run_dir import RunDir

    channels = next((RunDir(run).record().recipe.channels for run in runs if not run.is_file()), 1)
    found = average_runs(runs, load(data, channels=channels), RunDir(out))
    members = ", ".join(f"{name} {share:.2%}" for name, share in found.members)
    typer.echo(f"It reads {found.accuracy:.2%} of the validation part; its members: {members}")
    typer.echo(f"The run is in {out}. Next: python -m train evaluate {out} --data {data}")


Photos = Annotated[Path | None, typer.Option(help="A folder of photographs of groups.")]
Weights = Annotated[Path | None, typer.Option(help="YuNet's weights; where fetched unless given.")]


@app.command()
def framing(
    data: Annotated[Path, typer.Argument(help="FER2013; only its part Training is used.")],
    photos: Photos = None,
    weights: Weights = None,
    count: Annotated[int, typer.Option(min=10, help="Training faces to fit on.")] = 3000,
    seed: Annotated[int, typer.Option(min=0, help="Which faces, at which sizes.")] = 0,
) -> None:
    """Fit the constants that bring every detector's boxes to FER2013's framing, and show how well they do."""
    from edge_agent.vision.weights import find_weights
    from train.data import load
    from train.measure.box_calibration_report import box_calibration_report

    typer.echo(box_calibration_report(load(data), photos, weights or find_weights(), count, seed)[1])


@app.command()
def detectors(photos: Photos = None, weights: Weights = None) -> None:
    """Count what every detector finds, misses and makes up, and what it costs."""
    from edge_agent.vision.weights import find_weights
    from train.measure.detectors import detector_report

    typer.echo(detector_report(photos, weights or find_weights()))


def main() -> None:
    """Run the command line."""
    run_app(app, extra="train")


if __name__ == "__main__":
    main()
