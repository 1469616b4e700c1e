"""The command ``python -m train prepare``: parse, call, print."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from edge_agent.command_line import finite
from train.common.options import LabelMapOption
from train.common.output import print_result

app = typer.Typer()


@app.command()
def prepare(
    images: Annotated[Path, typer.Option("--images", help="Photographs: <class>/ or <class>/<person>/ with pictures.")],
    out: Annotated[Path, typer.Option("--out", help="New folder for the crops, which are pictures of people.")],
    detector: Annotated[Literal["auto", "haar", "yunet"], typer.Option(help="That of the device.")] = "auto",
    weights: Annotated[Path | None, typer.Option(help="YuNet's weights; the fetched ones unless given.")] = None,
    min_face: Annotated[int, typer.Option(min=12, max=1000, help="Smallest face to take, in pixels.")] = 24,
    several: Annotated[
        Literal["clear", "skip", "largest", "all"],
        typer.Option(help="Of several faces take the clearly largest one, none, the largest one, or all."),
    ] = "clear",
    channels: Annotated[int, typer.Option(help="1 for gray crops, 3 for colour.")] = 1,
    person: Annotated[str, typer.Option(help="Regular expression that finds the person in a file's name.")] = "",
    validation: Annotated[
        float, typer.Option(min=0.05, max=0.5, callback=finite, help="Share of each class for validation.")
    ] = 0.15,
    test: Annotated[
        float, typer.Option(min=0.0, max=0.4, callback=finite, help="Share for the test; 0 for none.")
    ] = 0.15,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the split.")] = 0,
    max_megapixels: Annotated[int, typer.Option(min=1, max=1000, help="Leave out larger pictures.")] = 120,
    label_map: LabelMapOption = "",
    json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Crop the faces from your own photographs as the device does, split by person, ready for fit."""
    from train.data.label_map import open_label_map
    from train.fit.progress import show_count
    from train.prepare.face_cropping import Policy
    from train.prepare.pipeline import prepare as prepare_crops
    from train.prepare.report import to_markdown

    policy = Policy(detector, weights, min_face, several, channels, person, validation, test, seed, max_megapixels)
    with show_count("photographs") as count:
        report = prepare_crops(images, out, policy, count, open_label_map(label_map))
    print_result(report.to_json(), to_markdown(report), json)
    typer.echo(f"The crops are in {out}. They are pictures of people: you are responsible for who sees them.", err=True)
    recipe = "finetune" if channels == 1 else "finetune-colour"
    typer.echo(f"Next: python -m train fit {recipe} --from BUNDLE_OR_RUN --data {out} --out RUN", err=True)
