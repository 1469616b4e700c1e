"""The export's command line, ``python -m export``: parse, call, print."""

from __future__ import annotations

import json
import os
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from edge_agent.command_line import HELP_WIDTH, finite, run_app
from edge_agent.errors import InputError
from edge_agent.files import check_place_for
from export.limits import Limits
from train.common.log import log_to_stderr
from train.common.options import LabelMapOption, given

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings=HELP_WIDTH,
    help="Export trained models.",
)

DATA_HELP = "The data the run was trained on."


class Precision(str, Enum):
    """How weights and arithmetic are stored."""

    INT8 = "int8"
    FLOAT16 = "float16"
    FLOAT32 = "float32"


class PriorChoice(str, Enum):
    """What the probabilities of a model assume."""

    BALANCED = "balanced"
    HALF = "half"
    TRAINING = "training"


@app.command()
def convert(
    run: Annotated[Path, typer.Argument(help="A finished run directory.")],
    out: Annotated[Path, typer.Option("--out", help="The model bundle to write, a .tflite file.")],
    quantization: Annotated[Precision, typer.Option(help="How weights and arithmetic are stored.")] = Precision.INT8,
    data: Annotated[
        Path | None, typer.Option(help=f"{DATA_HELP} int8 needs it; all need it for the temperature.")
    ] = None,
    name: Annotated[str, typer.Option(help="Name of the model; the run's name unless given.")] = "",
    licence: Annotated[str, typer.Option(help="Licence of the weights.")] = "",
    note: Annotated[str, typer.Option(help="What users of the model should know.")] = "",
    label_map: LabelMapOption = "",
    present: Annotated[
        Path | None, typer.Option(help="The bundle in use, to compare the accuracy with; the agent's own unless given.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write it although it is worse than the one in use.")] = False,
) -> None:
    """Convert a trained network into a model bundle for the device."""
    from edge_agent.model_format.description import describe
    from export.pipeline import BundleTexts, export_run
    from train.data.label_map import open_label_map

    check_place_for(out, makes_folders=True)
    exported = export_run(
        run,
        out,
        quantization.value,
        data,
        texts=BundleTexts(name, licence, note),
        label_map=open_label_map(label_map),
        present=present,
        force=force,
    )
    _echo_rows([*describe(exported.bundle), ("compared", exported.compared)])
    if exported.unfolded:
        typer.echo(f"not folded into a layer: {', '.join(exported.unfolded)}")
    if data is None:
        typer.echo("no --data: the temperature is 1, so the probabilities are not calibrated")
    typer.echo(
        f"The model is in {out}. Next: python -m export verify {run} {out} --data {data or 'DATA'}{given(label_map)}"
    )


@app.command()
def verify(
    run: Annotated[Path, typer.Argument(help="The run directory the model was exported from.")],
    file: Annotated[Path, typer.Argument(help="The model bundle.")],
    data: Annotated[Path, typer.Option(help=DATA_HELP)],
    max_accuracy_drop: Annotated[
        float, typer.Option(help="Percentage points it may lose.", min=0, max=100, callback=finite)
    ] = Limits.max_accuracy_drop,
    min_agreement: Annotated[
        float, typer.Option(help="Percent of labels that must agree.", min=0, max=100, callback=finite)
    ] = Limits.min_agreement,
    max_calibration_error: Annotated[
        float | None,
        typer.Option(help="Percent, cross-fitted; not checked unless given.", min=0, max=100, callback=finite),
    ] = None,
    runtime: Annotated[str, typer.Option(help="auto, litert, tflite or tensorflow.")] = "auto",
    label_map: LabelMapOption = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Compare a bundle with the network it was exported from, on held-out faces; fail if it lost too much."""
    from export.verify import check, check_calibration, verify_run
    from train.data.label_map import open_label_map

    limits = Limits(max_accuracy_drop, min_agreement)
    verified = verify_run(run, file, data, runtime=runtime, label_map=open_label_map(label_map))
    if as_json:
        allowed = {"accuracy_drop_points": max_accuracy_drop, "agreement": min_agreement / 100}
        typer.echo(json.dumps(verified.to_json() | {"allowed": allowed}))
    else:
        bundle, compared, calibration = verified.bundle, verified.comparison, verified.calibration
        _echo_rows(
            [
                ("model", f"{bundle.model_id}, {bundle.metadata.quantization}, {bundle.size_bytes:,} bytes"),
                ("faces", f"{compared.faces:,} held out from training"),
                ("accuracy", f"{compared.keras_accuracy:.2%} trained, {compared.device_accuracy:.2%} exported"),
                ("lost", f"{compared.accuracy_drop:.2f} points, allowed {max_accuracy_drop:g}"),
                ("agreement", f"{compared.agreement:.2%} of labels, required {min_agreement:g} %"),
                ("largest difference", f"{compared.largest_difference:.4f} of a probability"),
                (
                    "calibration error",
                    f"{calibration.cross_fitted_error:.2%} cross-fitted; "
                    f"{calibration.error_by_chance:.2%} by chance on as many faces",
                ),
                *((f"time, batch {size}", f"{taken:.3f} ms per face") for size, taken in verified.latency_ms.items()),
                ("runtime", f"{verified.runtime}, one thread"),
            ]
        )
    check(verified.comparison, limits)
    if max_calibration_error is not None:
        check_calibration(verified.calibration, max_calibration_error)


@app.command()
def onnx(
    file: Annotated[Path, typer.Argument(help="The model bundle.")],
    out: Annotated[Path, typer.Option("--out", help="The ONNX file to write.")],
    prior: Annotated[
        PriorChoice, typer.Option(help="What the probabilities assume, as [classifier] prior on the device.")
    ] = PriorChoice.HALF,
    data: Annotated[
        Path | None, typer.Option(help="The data the bundle was trained on, to compare on its held-out faces too.")
    ] = None,
    label_map: LabelMapOption = "",
) -> None:
    """Convert a bundle into an ONNX file for desktop programs, and check it on the same faces."""
    from export.onnx_file import OPSET, export_onnx
    from train.data.label_map import open_label_map

    if out.suffix != ".onnx":
        raise InputError("--out", received=out.name, expected="a name that ends in .onnx")
    check_place_for(out, makes_folders=True)
    exported = export_onnx(file, out, prior=prior.value, data=data, label_map=open_label_map(label_map))
    bundle, facts = exported.bundle, exported.bundle.metadata
    size, channels = facts.input.size_px, facts.input.channels
    rows = [
        ("model", f"{bundle.model_id}, {facts.name}, {facts.quantization}"),
        ("file", f"{out}, {exported.size_bytes:,} bytes, ONNX operators {OPSET}"),
        ("input", f"faces: uint8 (N, {size}, {size}, {channels}), levels 0 to 255"),
        ("outputs", f"logits, probabilities: float32 (N, {len(facts.labels)})"),
        ("labels", ", ".join(facts.labels)),
        ("temperature", f"{facts.temperature:g}, applied in probabilities"),
        ("prior", exported.prior),
        ("golden faces", f"{exported.golden} drawn faces, at most {exported.golden_steps:.1f} of 256 steps apart"),
    ]
    if (compared := exported.compared) is not None:
        rows += [
            ("same label", f"{compared.agreement:.2%} of {compared.faces:,} held-out faces"),
            (
                "difference",
                f"{compared.largest_difference:.4f} of a probability at most; "
                f"{compared.mean_steps:.2f} of 256 steps on average, {compared.largest_steps:.1f} at most",
            ),
        ]
    rows.append(("runtime", f"{exported.runtime}, beside {exported.beside}"))
    _echo_rows(rows)


@app.command()
def golden(
    file: Annotated[Path, typer.Argument(help="The model bundle.")],
    out: Annotated[Path, typer.Option("--out", help="The bundle to write; its id is a new one.")],
) -> None:
    """Record golden faces, drawn faces with the model's answers, in an older bundle, or replace those it has."""
    from edge_agent.model_format.bundle import read_bundle, write_bundle
    from export.golden import record_golden

    check_place_for(out, makes_folders=True)
    bundle = read_bundle(file)
    written = write_bundle(out, bundle.flatbuffer, bundle.metadata, record_golden(bundle))
    typer.echo(f"{out} is {written.model_id} ({file}: {bundle.model_id}), with golden faces")


@app.command()
def describe(
    file: Annotated[Path, typer.Argument(help="The model bundle.")],
    run: Annotated[Path, typer.Option("--run", help="The run it was exported from; its record is enough.")],
    out: Annotated[Path, typer.Option("--out", help="The bundle to write; its id is a new one.")],
) -> None:
    """Complete an older bundle's metadata from the record of its run."""
    from edge_agent.model_format.bundle import read_bundle, write_bundle
    from export.bundle_metadata import describe_again
    from train.fit.run_dir import RunDir

    check_place_for(out, makes_folders=True)
    bundle = read_bundle(file)
    written = write_bundle(out, bundle.flatbuffer, describe_again(bundle, RunDir(run)), bundle.golden)
    typer.echo(f"{out} is {written.model_id}, the same network as {bundle.model_id}")


@app.command()
def measure(
    file: Annotated[Path, typer.Argument(help="The model bundle.")],
    data: Annotated[Path, typer.Option(help=DATA_HELP)],
    out: Annotated[Path, typer.Option("--out", help="The JSON file to write; plots get its name.")],
    card: Annotated[Path | None, typer.Option(help="The model card to write from it.")] = None,
    run: Annotated[Path | None, typer.Option(help="The run directory the model was exported from.")] = None,
    votes: Annotated[Path | None, typer.Option(help="FER+'s table fer2013new.csv.")] = None,
    unseen: Annotated[Path | None, typer.Option(help="A data set it was not trained on, such as CK+48.")] = None,
    rafdb: Annotated[Path | None, typer.Option(help="RAF-DB, for the selection score; --unseen is CK+48.")] = None,
    beside: Annotated[list[Path] | None, typer.Option(help="A bundle or run to compare robustness with.")] = None,
    only_answers: Annotated[
        bool, typer.Option("--only-answers", help="Measure again what answers are worth; keep the rest of --out.")
    ] = False,
    label_map: LabelMapOption = "",
    unseen_label_map: Annotated[str, typer.Option(help="The same for --unseen.")] = "",
) -> None:
    """Make all measurements of a bundle, and write them with plots and model card."""
    from export.measure import Comparisons, measure_answers_again, measure_bundle
    from export.measurements import read_measurements, write_measurements
    from train.data.label_map import open_label_map

    check_place_for(out, makes_folders=True)
    if card is not None:
        check_place_for(card, makes_folders=True)
    unseen_map = open_label_map(unseen_label_map, "--unseen-label-map")
    compared = Comparisons(votes, unseen, rafdb, run, tuple(beside or ()), unseen_map)
    if only_answers:
        measured = measure_answers_again(file, data, compared, read_measurements(out), open_label_map(label_map))
    else:
        measured = measure_bundle(
            file,
            data,
            compared,
            plots=out.with_suffix(""),
            on_step=lambda what: typer.echo(what, err=True),
            label_map=open_label_map(label_map),
        )
    write_measurements(measured, out)
    typer.echo(f"The measurements are in {out}")
    if card is not None:
        _write_card(file, card, out)


@app.command()
def card(
    file: Annotated[Path, typer.Argument(help="The model bundle.")],
    out: Annotated[Path, typer.Option("--out", help="The Markdown file to write.")],
    measured: Annotated[Path | None, typer.Option(help="The file that `measure` wrote for this bundle.")] = None,
    plots: Annotated[bool, typer.Option("--plots", help="Draw its coverage and robustness again, beside it.")] = False,
) -> None:
    """Write a bundle's model card."""
    _write_card(file, out, measured)
    if plots and measured is not None:
        from export.measure import plot_measurements
        from export.measurements import read_measurements

        plot_measurements(read_measurements(measured), measured.with_suffix(""))


def _write_card(file: Path, out: Path, measured: Path | None) -> None:
    from edge_agent.model_format.bundle import read_bundle
    from export.card import card_to_markdown
    from export.measurements import read_measurements
    from train.common.writing import write_whole

    check_place_for(out, makes_folders=True)
    plots = "" if measured is None else os.path.relpath(measured.with_suffix(""), out.parent)
    text = card_to_markdown(read_bundle(file), None if measured is None else read_measurements(measured), plots)
    write_whole(out, text.encode())
    typer.echo(f"The model card is in {out}")


def _echo_rows(rows: list[tuple[str, str]]) -> None:
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        typer.echo(f"{name:<{width}}  {value}")


def main() -> None:
    """Run the command line."""
    run_app(app, extra="export")


if __name__ == "__main__":
    log_to_stderr()
    main()
