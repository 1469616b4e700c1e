"""The training's command line, ``python -m train``: parses, calls, prints."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edge_agent.command_line import HELP_WIDTH, run_app
from train.ablation.cli import app as ablation_app
from train.common.log import log_to_stderr
from train.common.options import DATA_HELP, LabelMapOption
from train.common.output import print_result
from train.fit.cli import app as fit_app
from train.measure.cli import app as measure_app
from train.prepare.cli import app as prepare_app
from train.reproduce.cli import app as reproduce_app

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings=HELP_WIDTH,
    help="Train expression models.",
)


@app.command()
def describe(
    data: Annotated[Path, typer.Argument(help=DATA_HELP)],
    protocol: Annotated[str, typer.Option(help="Count by this split instead of the publisher's.")] = "",
    label_map: LabelMapOption = "",
    json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Count a data set by class and split, and find duplicates and unreadable files."""
    from train.data import load
    from train.data.describe import describe as describe_faces
    from train.data.describe import to_markdown
    from train.data.label_map import open_label_map
    from train.data.splits import make_split

    faces = load(data, on_unreadable="report", label_map=open_label_map(label_map))
    description = describe_faces(faces, make_split(faces, protocol) if protocol else None)
    print_result(description.to_json(), to_markdown(description), json)


for command in (prepare_app, fit_app, measure_app, ablation_app, reproduce_app):
    app.add_typer(command)


def main() -> None:
    """Run the command line."""
    run_app(app, extra="train")


if __name__ == "__main__":
    log_to_stderr()
    main()
