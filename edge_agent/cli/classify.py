"""The command ``edge-agent classify``."""

from __future__ import annotations

import json as jsonlib
from pathlib import Path
from typing import Annotated, Literal

import typer

from edge_agent.cli.options import DetectorOption, JsonOption, Runtime
from edge_agent.errors import InputError


def classify(
    images: Annotated[list[Path], typer.Argument(help="Picture files, or folders of them.", metavar="IMAGE...")],
    aligned: Annotated[bool, typer.Option("--aligned", help="Each picture is a face crop already.")] = False,
    model: Annotated[Path | None, typer.Option(help="A bundle, or edge-tiny; else the default model.")] = None,
    detector: DetectorOption = "auto",
    runtime: Annotated[Runtime, typer.Option(help="Force one TFLite runtime.")] = "auto",
    max_megapixels: Annotated[
        int | None, typer.Option(min=1, max=1000, help="Refuse pictures that announce more; 120 unless given.")
    ] = None,
    prior: Annotated[
        Literal["balanced", "half", "training"] | None, typer.Option(help="How often each label is expected.")
    ] = None,
    uncertain_below: Annotated[
        float | None, typer.Option(min=0.0, max=1.0, help="Under this probability the answer is 'uncertain'.")
    ] = None,
    annotate: Annotated[
        Path | None,
        typer.Option(help="Write the picture with what was found; for several pictures a folder.", metavar="OUT"),
    ] = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="Write all faces as a table.", metavar="OUT")] = None,
    json: JsonOption = False,
) -> None:
    """Find faces in still pictures and read their expressions."""
    from edge_agent.addresses.arguments import UNQUOTED_FILE, is_quotable
    from edge_agent.commands.classify import Annotations, ClassifiedImage, check_table, write_table
    from edge_agent.config import MAX_MEGAPIXELS, DetectorSettings
    from edge_agent.model_format.priors import DEFAULT_PRIOR
    from edge_agent.system.logs import set_up_logging
    from edge_agent.vision.classifier import Classifier
    from edge_agent.vision.detector import detector_note, open_detector
    from edge_agent.vision.image_file import read_photograph
    from edge_agent.vision.images import UNCERTAIN_BELOW, classify_face_crop, classify_faces
    from edge_agent.vision.opencv import check_version
    from edge_agent.vision.sources.files import images_of

    set_up_logging(quiet=True)
    check_version()
    if not all(is_quotable(str(path)) for path in images):
        raise InputError(
            "classify",
            received=UNQUOTED_FILE,
            expected="picture files, or folders of them",
            remedy="To see what a network camera shows, use 'edge-agent aim'",
        )
    floor = UNCERTAIN_BELOW if uncertain_below is None else uncertain_below
    classifier = Classifier.load(model, runtime=runtime, prior=prior or DEFAULT_PRIOR)
    finder = None if aligned else open_detector(DetectorSettings(kind=detector))
    found = list(images_of(images))
    if csv is not None:
        check_table(csv, found)
    copies = Annotations(annotate, images, found) if annotate is not None else None
    results: list[ClassifiedImage] = []
    for path in found:
        try:
            photo = read_photograph(path, max_megapixels=max_megapixels or MAX_MEGAPIXELS)
        except InputError as error:
            typer.echo(f"error: {error}", err=True)
            results.append(ClassifiedImage(path, error=str(error)))
            continue
        if finder is None:
            result = ClassifiedImage(path, (classify_face_crop(photo.image, classifier, floor),))
        else:
            seen = classify_faces(photo.image, finder, classifier, photo.scale, floor)
            result = ClassifiedImage(path, seen.faces, turned_by=seen.turned_by)
        results.append(result)
        if copies is not None:
            copies.write(photo.image, photo.scale, results[-1])
        if not json:
            typer.echo(results[-1].as_text())
    if csv is not None:
        write_table(csv, results, classifier.labels)
    if json:
        rows = [result.as_dict() for result in results]
        typer.echo(jsonlib.dumps({"model": classifier.model_id, "prior": classifier.prior, "images": rows}, indent=2))
    note = detector_note(DetectorSettings(kind=detector), finder.name) if finder is not None else ""
    if note:
        typer.echo(f"note: {note}", err=True)
    if any(result.error for result in results):
        raise typer.Exit(InputError.exit_code)
