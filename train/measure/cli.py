"""The commands that measure trainings, finished models and detectors: parse, call, print."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Annotated

import typer

from edge_agent.command_line import finite
from edge_agent.model_format.priors import DEFAULT_PRIOR
from train.common.options import DATA_HELP, LabelMapOption, LabelMapsOption
from train.common.output import print_result, report_progress

app = typer.Typer()

Models = Annotated[list[Path], typer.Argument(help="Model bundles and finished run directories.")]
Fer2013 = Annotated[Path, typer.Option("--data", help="fer2013.csv (also packed), or the models' own data.")]
Data = Annotated[Path, typer.Option("--data", help=DATA_HELP)]
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]
Photos = Annotated[Path | None, typer.Option(help="A folder of photographs of groups.")]
Weights = Annotated[Path | None, typer.Option(help="YuNet's weights; the fetched ones unless given.")]


@app.command()
def evaluate(
    run: Annotated[Path, typer.Argument(help="A finished run directory.")],
    data: Data,
    part: Annotated[str, typer.Option(help="train, validation or test.")] = "validation",
    label_map: LabelMapOption = "",
    json: AsJson = False,
) -> None:
    """Evaluate a finished run; statistics and plots go into its folder `evaluation`."""
    from train.common.backend import import_backend

    import_backend()
    from train.data.label_map import open_label_map
    from train.measure.score import score_run

    evaluation, text = score_run(run, data, part, open_label_map(label_map))
    print_result(evaluation.to_json(), text, json)


@app.command()
def compare(
    runs: Annotated[list[Path], typer.Argument(help="Run directories, finished or not.")],
    out: Annotated[Path | None, typer.Option("--out", help="A picture of their curves: .png, .svg or .pdf.")] = None,
    json: AsJson = False,
) -> None:
    """Compare runs: their scores, and the settings in which they differ."""
    from train.fit.run_dir import RunDir
    from train.measure.compare import compare as compare_runs
    from train.measure.compare import to_markdown
    from train.measure.plots import plot_runs

    comparison = compare_runs(runs)
    if out is not None:
        plot_runs({name: RunDir(run).metrics() for name, run in zip(comparison.runs, runs, strict=True)}, out)
    print_result(comparison.to_json(), to_markdown(comparison), json)


@app.command()
def score(
    models: Models,
    fer2013: Annotated[Path, typer.Option(help="fer2013.csv (also packed); its part PublicTest is scored.")],
    rafdb: Annotated[Path, typer.Option(help="RAF-DB; for measuring alone.")],
    ckplus: Annotated[Path, typer.Option(help="CK+48's folder; for measuring alone.")],
    prior: Annotated[
        list[str] | None,
        typer.Option(help="balanced, half, training, or LABEL=SHARE,...; may be given several times."),
    ] = None,
    together: Annotated[
        bool, typer.Option("--together", help="Score the mean of the bundles' answers, as they teach a network.")
    ] = False,
    flip: Annotated[
        bool, typer.Option("--flip", help="With --together: each also answers for the mirrored face.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Compute the selection score of models, from PublicTest, RAF-DB and CK+, with 95 % intervals.

    The score of a run is written into its folder `evaluation`. With several priors it is that of the last one.
    """
    from train.measure.predictors import Predictor, open_predictor, open_teachers
    from train.measure.selection import (
        check_prior,
        load_selection_data,
        note_on_labels,
        parse_prior,
        prior_name,
        record_score,
        score_selection,
        to_markdown,
    )

    if flip and not together:
        raise typer.BadParameter("--flip is for --together", param_hint="--flip")
    priors = [parse_prior(text) for text in prior or [DEFAULT_PRIOR]]
    opened: list[tuple[Path | None, Predictor]] = (
        [(None, open_teachers(models, flip=flip))] if together else [(path, open_predictor(path)) for path in models]
    )
    for (_, predictor), one in itertools.product(opened, priors):
        check_prior(predictor, one)
    data = {}
    found = []
    for path, predictor in opened:
        if predictor.channels not in data:
            data[predictor.channels] = load_selection_data(fer2013, rafdb, ckplus, predictor.channels)
        if note := note_on_labels(predictor, data[predictor.channels]):
            report_progress(note)
        for one in priors:
            report_progress(f"{predictor.name}, prior {prior_name(one)}")
            found.append(score_selection(predictor, data[predictor.channels], one))
        if path is not None and path.is_dir():
            record_score(path, found[-1])
    print_result(found, to_markdown(found), json)


@app.command()
def resting_face(
    model: Annotated[Path, typer.Argument(help="A model bundle or a finished run directory.")],
    data: Annotated[
        list[Path],
        typer.Option("--data", help="CK+48's folder, or class folders of PERSON_NUMBER.jpg; may be given again."),
    ],
    after_s: Annotated[
        float, typer.Option(min=10, max=3600, callback=finite, help="Length of a lesson in seconds.")
    ] = 600.0,
    max_offset: Annotated[
        float | None,
        typer.Option(
            min=0.01, max=5, callback=finite, help="How far one label can be lowered, instead of the agent's own limit."
        ),
    ] = None,
    label_map: LabelMapsOption = None,
    json: AsJson = False,
) -> None:
    """Measure what it gains and costs to learn each person's face at rest."""
    from edge_agent.config import RestingFaceSettings
    from train.data import load
    from train.data.label_map import open_label_maps
    from train.measure.predictors import open_predictor
    from train.measure.resting_face import measure_resting_face, to_markdown

    limit = RestingFaceSettings().max_offset if max_offset is None else max_offset
    maps = open_label_maps(label_map or (), len(data))
    predictor = open_predictor(model)
    faces = [
        load(path, channels=predictor.channels, label_map=meaning) for path, meaning in zip(data, maps, strict=True)
    ]
    found = measure_resting_face(predictor, faces, RestingFaceSettings(after_s=after_s, max_offset=limit))
    print_result(found, to_markdown(found), json)


@app.command()
def robustness(
    models: Models,
    data: Fer2013,
    out: Annotated[Path | None, typer.Option("--out", help="A picture to draw: .png, .svg or .pdf.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of random directions, gray levels and noise.")] = 0,
    label_map: LabelMapOption = "",
    json: AsJson = False,
) -> None:
    """Measure the accuracy that models lose on corrupted held-out faces (small, blurred, dark, turned, masked ...)."""
    from train.common.backend import import_backend

    import_backend()
    from train.data.label_map import open_label_map
    from train.measure.plots import check_plot, plot_robustness
    from train.measure.predictors import held_out_faces, open_predictor
    from train.measure.robustness import compare_losses, measure_robustness, to_markdown

    if out is not None:
        check_plot(out)
    predictors = tuple(map(open_predictor, models))
    measured = measure_robustness(
        predictors, held_out_faces(data, predictors, open_label_map(label_map)), seed=seed, on_step=report_progress
    )
    if out is not None:
        plot_robustness(measured, out)
    print_result(measured, "\n\n".join(filter(None, (to_markdown(measured), compare_losses(measured)))), json)


@app.command()
def generalise(
    models: Models,
    data: Annotated[
        Path, typer.Option("--data", help="CK+48's folder, or class folders; no data they were trained on.")
    ],
    label_map: LabelMapOption = "",
    json: AsJson = False,
) -> None:
    """Evaluate models on a data set they were not trained on, for the classes that both have."""
    from train.common.backend import import_backend

    import_backend()
    from train.data import load
    from train.data.label_map import open_label_map
    from train.measure.cross_dataset import evaluate_cross_dataset, to_markdown
    from train.measure.predictors import open_predictor

    predictors = tuple(map(open_predictor, models))
    meaning = open_label_map(label_map)
    measured = [
        evaluate_cross_dataset(predictor, load(data, channels=predictor.channels, label_map=meaning))
        for predictor in predictors
    ]
    print_result(measured, to_markdown(measured), json)


@app.command()
def votes(
    models: Models,
    data: Fer2013,
    votes: Annotated[Path, typer.Option(help="FER+'s table fer2013new.csv.")],
    label_map: LabelMapOption = "",
    json: AsJson = False,
) -> None:
    """Compare answers on held-out faces with the votes of FER+'s ten annotators, by how far these agree."""
    from train.common.backend import import_backend

    import_backend()
    from train.data.ferplus import load_votes
    from train.data.label_map import open_label_map
    from train.measure.annotator_agreement import measure_agreement, to_markdown
    from train.measure.predictors import held_out_faces, open_predictor

    predictors = tuple(map(open_predictor, models))
    faces = held_out_faces(data, predictors, open_label_map(label_map))
    joined = load_votes(votes, faces)
    measured = [measure_agreement(predictor, faces, joined) for predictor in predictors]
    print_result(measured, "\n\n".join(map(to_markdown, measured)), json)


@app.command()
def readback(
    bundle: Annotated[Path, typer.Argument(help="A model bundle.")],
    data: Fer2013,
    label_map: LabelMapOption = "",
    json: AsJson = False,
) -> None:
    """Measure on held-out faces the initial weights that a training gets from a bundle."""
    from train.common.backend import import_backend

    import_backend()
    from train.data.label_map import open_label_map
    from train.measure.warm_start_check import check_warm_start, to_markdown

    measured = check_warm_start(bundle, data, open_label_map(label_map))
    print_result(measured, to_markdown(measured), json)


@app.command()
def framing(
    data: Annotated[Path, typer.Argument(help="FER2013; only its part Training is used.")],
    photos: Photos = None,
    weights: Weights = None,
    count: Annotated[int, typer.Option(min=10, help="Training faces to fit on.")] = 3000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the choice of faces and sizes.")] = 0,
) -> None:
    """Fit the box calibration of every detector, which makes its boxes FER2013's crop; show how well it fits."""
    from edge_agent.vision.weights import find_weights
    from train.data import load
    from train.measure.box_calibration_report import box_calibration_report

    typer.echo(box_calibration_report(load(data), photos, weights or find_weights(), count, seed)[1])


@app.command()
def readability(
    folders: Annotated[list[Path], typer.Argument(help="Folders of face pictures, or of photographs of groups.")],
    weights: Weights = None,
    limit: Annotated[int, typer.Option(min=1, help="Largest number of pictures of a folder.")] = 1000,
) -> None:
    """Count the faces that are too poor to classify: too dim, turned away, looking down, covered."""
    from edge_agent.vision.weights import default_weights, find_weights
    from train.measure.readability import readability_report

    typer.echo(readability_report(folders, weights or find_weights() or default_weights(), limit))


@app.command()
def detectors(photos: Photos = None, weights: Weights = None) -> None:
    """Count the faces that every detector finds and misses, and its false detections; measure its cost."""
    from edge_agent.vision.weights import find_weights
    from train.measure.detectors import detector_report

    typer.echo(detector_report(photos, weights or find_weights()))
