"""The command ``edge-agent``. Every command parses, calls one function and prints what it gives."""

from __future__ import annotations

import json as jsonlib
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperGroup
from typer.main import get_group

from edge_agent import __version__
from edge_agent.command_line import HELP_WIDTH, run_app_and_leave
from edge_agent.enrol.cli import enrol
from edge_agent.errors import CheckFailed, InputError
from edge_agent.extras import needs_extra

if TYPE_CHECKING:
    from edge_agent.config import MqttSettings, Settings


class _FleetCommands(TyperGroup):
    """The school's tools, imported when one of them is asked for: the device's commands need none of them."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of the school's commands."""
        return self._loaded.list_commands(ctx)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """One of the school's commands."""
        return self._loaded.get_command(ctx, cmd_name)

    @cached_property
    def _loaded(self) -> TyperGroup:
        from fleet.cli import fleet_app

        return get_group(fleet_app)


app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # importing rich takes longer than all the rest of --help
    context_settings=HELP_WIDTH,
    help="Facial-expression events from a classroom camera, over MQTT. Pictures never leave the device.",
)
model_app = typer.Typer(no_args_is_help=True, help="Look at model bundles.")
detector_app = typer.Typer(no_args_is_help=True, help="Get the better face detector.")
fleet_app = typer.Typer(
    cls=_FleetCommands,
    no_args_is_help=True,
    help="A school's devices: certificates, enrolment, revocation. For the machine with the school's authority.",
)
app.add_typer(model_app, name="model")
app.add_typer(detector_app, name="detector")
app.add_typer(fleet_app, name="fleet")
app.command()(enrol)

Runtime = Literal["auto", "litert", "tflite", "tensorflow"]
# Not typer's own check of rights, which names no remedy.
ConfigOption = Annotated[
    Path | None, typer.Option("--config", readable=False, help="The agent's TOML file; defaults where left out.")
]
RuntimeOption = Annotated[Runtime | None, typer.Option(help="Force one TFLite runtime.")]
VerboseOption = Annotated[bool, typer.Option("--verbose", "-v", help="Log everything.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]
DetectorOption = Annotated[Literal["auto", "haar", "yunet"], typer.Option(help="How faces are found.")]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Options of every command."""


@app.command()
def run(config: ConfigOption = None, runtime: RuntimeOption = None, verbose: VerboseOption = False) -> None:
    """Watch the camera and publish events until stopped."""
    import logging

    from edge_agent.app import Agent
    from edge_agent.privacy.policy import permit
    from edge_agent.required_files import check_required_files
    from edge_agent.system.logs import set_up_logging
    from edge_agent.system.stop_signals import stop_on_signals

    set_up_logging(verbose=verbose)
    settings = _settings(config, runtime)
    permit(settings.camera, settings.policy, str(config or ""))
    check_required_files(settings, str(config or ""))
    logging.getLogger("edge_agent").info("edge-agent %s", __version__)
    agent = Agent(settings)
    with stop_on_signals() as stop:
        agent.run(stop)


@app.command()
def demo(
    seconds: Annotated[float | None, typer.Option(min=1, help="Stop after so long; else at Ctrl-C.")] = None,
    faces: Annotated[int, typer.Option(min=1, max=40, help="People in the simulated classroom.")] = 12,
    seed: Annotated[int, typer.Option(min=0, help="Which classroom.")] = 7,
    fps: Annotated[float, typer.Option(min=1, max=60, help="Frames a second of the simulated camera.")] = 10.0,
    detector: DetectorOption = "auto",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the embedded broker; 0 takes a free one.")] = 0,
    json: JsonOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Run everything at once: embedded broker, simulated classroom, agent and live view."""
    with needs_extra("demo"):
        from edge_agent.demo import DemoSettings, run_demo
    from edge_agent.system.logs import set_up_logging
    from edge_agent.system.stop_signals import stop_on_signals

    set_up_logging(verbose=verbose, quiet=not verbose)
    settings = DemoSettings(faces=faces, seed=seed, fps=fps, detector=detector, port=port)
    with stop_on_signals(seconds) as stop:
        report = run_demo(settings, stop, show=not json)
    if json:
        typer.echo(jsonlib.dumps(report.as_dict()))
    else:
        typer.echo(report.as_text())


@app.command()
def watch(
    host: Annotated[str, typer.Option(help="The broker.")] = "localhost",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 1883,
    config: ConfigOption = None,
    protocol: Annotated[Literal["5", "3.1.1"], typer.Option(help="MQTT version of the broker.")] = "5",
    site: Annotated[str, typer.Option(help="Only this site.")] = "+",
    device: Annotated[str, typer.Option(help="Only this device.")] = "+",
) -> None:
    """Show live what devices publish. With --config, at the broker and with the credentials it names."""
    from edge_agent.console.live_view import show_live_view
    from edge_agent.system.logs import set_up_logging
    from edge_agent.system.stop_signals import stop_on_signals

    set_up_logging(quiet=True)
    settings = _settings(config, None).mqtt if config else _broker(host, port, protocol)
    with stop_on_signals() as stop:
        show_live_view(settings, site, device, stop)


@app.command()
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
    from edge_agent.classify import Annotations, ClassifiedImage, write_table
    from edge_agent.config import MAX_MEGAPIXELS, DetectorSettings
    from edge_agent.model_format.priors import DEFAULT_PRIOR
    from edge_agent.system.logs import set_up_logging
    from edge_agent.vision.classifier import Classifier
    from edge_agent.vision.detector import detector_note, open_detector
    from edge_agent.vision.image_file import read_photograph
    from edge_agent.vision.images import UNCERTAIN_BELOW, classify_face_crop, classify_faces
    from edge_agent.vision.sources.files import images_of

    set_up_logging(quiet=True)
    floor = UNCERTAIN_BELOW if uncertain_below is None else uncertain_below
    classifier = Classifier.load(model, runtime=runtime, prior=prior or DEFAULT_PRIOR)
    finder = None if aligned else open_detector(DetectorSettings(kind=detector))
    found = list(images_of(images))
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
            faces = [classify_face_crop(photo.image, classifier, floor)]
        else:
            faces = classify_faces(photo.image, finder, classifier, photo.scale, floor)
        results.append(ClassifiedImage(path, tuple(faces)))
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


@app.command()
def check(file: Annotated[Path, typer.Argument(readable=False, help="The agent's TOML file.")]) -> None:
    """Validate a configuration and the files that it names, the operator's declaration included, and start nothing."""
    from edge_agent.config_file import load_settings
    from edge_agent.privacy.policy import permit
    from edge_agent.required_files import check_required_files
    from edge_agent.system.service_user import user_of

    settings = load_settings(file)
    permit(settings.camera, settings.policy, str(file))
    check_required_files(settings, str(file), user_of(file))
    typer.echo(f"{file} is valid")


@app.command()
def config(
    defaults: Annotated[
        bool, typer.Option("--defaults", help="Print a settings file with every key, its default, unit and range.")
    ] = False,
    reference: Annotated[
        bool, typer.Option("--reference", help="Print the reference of all keys, docs/settings.md.")
    ] = False,
) -> None:
    """Print what the settings file may say."""
    from edge_agent.settings_reference import defaults_file, reference_page

    if defaults == reference:
        raise InputError("edge-agent config", expected="either --defaults or --reference")
    typer.echo(defaults_file() if defaults else reference_page(), nl=False)


@app.command()
def contract(
    out: Annotated[Path, typer.Option(help="Folder to write them to.", metavar="DIR")] = Path("contract"),
) -> None:
    """Write the messaging contract for other programs: an AsyncAPI 3 document and a JSON Schema for every message."""
    from edge_agent.protocol.asyncapi import write_documents

    for path in write_documents(out):
        typer.echo(path)


@app.command()
def cameras(
    config: ConfigOption = None,
    forget: Annotated[
        bool, typer.Option("--forget", help="Forget which camera was declared: the next one that works is noted.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """List the cameras that are there: their names, what the settings should say, and what they deliver."""
    from edge_agent.system.data_folders import state_folder
    from edge_agent.system.logs import set_up_logging
    from edge_agent.vision.camera_identity import forget as forget_camera
    from edge_agent.vision.camera_list import present_cameras, refused_nodes

    set_up_logging(quiet=True)
    if forget:
        folder = state_folder(_settings(config, None))
        forgotten = folder is not None and forget_camera(folder)
        typer.echo("forgotten: the next camera that works is noted" if forgotten else "no camera was noted")
        return
    found = present_cameras()
    if json:
        typer.echo(jsonlib.dumps([camera.as_dict() for camera in found], indent=2))
        return
    for camera in found:
        typer.echo(camera.as_text())
    refused = refused_nodes()
    if refused:
        typer.echo(f"not looked at, since this user may not open them: {', '.join(map(str, refused))}", err=True)
    if not found:
        typer.echo("no camera found")


@app.command()
def doctor(
    config: ConfigOption = None,
    preflight: Annotated[
        bool, typer.Option("--preflight", help="Only what can be true before camera and broker are configured.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Check the device for real: an inference, the detector, files, the camera, the broker. As root it looks with the
    rights of the service's user.
    """
    from edge_agent.system.logs import set_up_logging
    from edge_agent.system.service_user import become_service_user

    set_up_logging(quiet=True)
    config = config and config.absolute()
    become_service_user(config)
    from edge_agent.doctor import examine

    findings = []
    for finding in examine(_settings(config, None), preflight=preflight):
        findings.append(finding)
        if not json:
            mark = "ok  " if finding.ok else "FAIL" if finding.fatal else "warn"
            typer.echo(f"{mark}  {finding.check:12}  {finding.detail}")
    if json:
        rows = [{"check": f.check, "ok": f.ok, "fatal": f.fatal, "detail": f.detail} for f in findings]
        typer.echo(jsonlib.dumps(rows, indent=2))
    if any(not finding.ok and finding.fatal for finding in findings):
        raise typer.Exit(CheckFailed.exit_code)


@app.command()
def diagnostics(
    config: ConfigOption = None,
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("edge-agent-diagnostics.txt"),
) -> None:
    """Write one file for a report: versions, settings, checks, hardware, last lines of the logs. No secret, no name."""
    from edge_agent.diagnostics import write_diagnostics
    from edge_agent.system.logs import set_up_logging

    set_up_logging(quiet=True)
    write_diagnostics(_settings(config, None), out)
    typer.echo(f"{out} is written. Look through it before you pass it on")


@app.command()
def aim(
    config: ConfigOption = None,
    source: Annotated[
        Literal["simulated", "image", "video", "v4l2", "csi"] | None, typer.Option(help="Instead of camera.source.")
    ] = None,
    path: Annotated[str | None, typer.Option(help="Instead of camera.path.")] = None,
    seconds: Annotated[float | None, typer.Option(min=0.5, help="Stop after so long; else at Ctrl-C.")] = None,
    json: JsonOption = False,
) -> None:
    """Show where faces are and how large, and what to do about the rest. No picture is shown, stored or sent.

    Piped, it prints a line for every look. With --json it looks for a second and prints one object.
    """
    from rich.console import Console

    from edge_agent.aim import AimReport, aim_line, aim_view, watch_aim
    from edge_agent.privacy.policy import permit
    from edge_agent.system.logs import set_up_logging
    from edge_agent.system.stop_signals import stop_on_signals
    from edge_agent.vision.aiming import advice
    from edge_agent.vision.zones import Zones

    set_up_logging(quiet=True)
    settings = _with_camera(_settings(config, None), source, path)
    permit(settings.camera, settings.policy, str(config or ""))
    console, zones = Console(), Zones.of(settings.detector)

    def view(report: AimReport) -> str:
        return aim_view(report.aim, report.notes, zones)

    def show(report: AimReport) -> None:
        if console.is_terminal and not json:
            typer.echo("\x1b[H\x1b[2J" + view(report), nl=False)
        elif not json:
            typer.echo(aim_line(report.aim))

    with stop_on_signals(seconds or (1.0 if json else None)) as stop:
        last = watch_aim(settings, stop, show)
    if json:
        typer.echo(jsonlib.dumps(last.as_dict(), indent=2))
    elif console.is_terminal:
        typer.echo()
    else:
        for sentence in (*last.notes, *advice(last.aim)):
            typer.echo(f"- {sentence}.")


@app.command()
def bench(
    faces: Annotated[int, typer.Option(min=0, max=40, help="People in the drawn class.")] = 24,
    seconds: Annotated[float, typer.Option(min=1, max=3600, help="Length of the drawn lesson.")] = 30.0,
    detector: Annotated[
        Literal["auto", "haar", "yunet"] | None,
        typer.Option(help="How faces are found; else by the settings."),
    ] = None,
    every_frame: Annotated[
        bool, typer.Option("--every-frame", help="Search every frame whole, for comparison.")
    ] = False,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Measure how fast this board is: milliseconds by stage, frames a second, memory, and which settings suit it."""
    from msgspec.structs import replace

    from edge_agent.bench import measure
    from edge_agent.system.logs import set_up_logging

    set_up_logging(quiet=True)
    settings = _settings(config, None)
    changes: dict[str, Any] = {"kind": detector} if detector is not None else {}
    if every_frame:
        changes["every_frame"] = True
    settings = replace(
        settings,
        camera=replace(settings.camera, source="simulated", faces=faces),
        detector=replace(settings.detector, **changes),
    )
    report = measure(settings, seconds=seconds)
    typer.echo(jsonlib.dumps(report.as_dict(), indent=2) if json else report.as_text())


@model_app.command()
def show(
    file: Annotated[Path | None, typer.Argument(help="A bundle, or edge-tiny; else the one an agent runs.")] = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Show what a bundle is: labels, quantization, training, statistics. Without FILE, also where it comes from."""
    import msgspec
    from rich.console import Console
    from rich.table import Table

    from edge_agent.model_format.bundle import read_bundle
    from edge_agent.model_format.description import describe
    from edge_agent.model_format.priors import describe_prior, training_shares_of_bundle
    from edge_agent.update.source import model_source
    from edge_agent.vision.classifier import model_path

    settings = _settings(config, None)
    source = model_source(settings) if file is None else None
    bundle = read_bundle(model_path(file or (source.path if source is not None else None)))
    if json:
        typer.echo(msgspec.json.format(msgspec.json.encode(bundle.metadata), indent=2).decode())
        return
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    if source is not None:
        table.add_row("source", str(source))
    for name, value in describe(bundle):
        table.add_row(name, value)
    table.add_row("prior in use", describe_prior(settings.classifier.prior, training_shares_of_bundle(bundle.metadata)))
    Console().print(table)


@detector_app.command()
def fetch(
    source: Annotated[
        list[str] | None, typer.Option(help="Take it from here: https://, http:// or file://. May be repeated.")
    ] = None,
    optional: Annotated[
        bool, typer.Option("--optional", help="Where it cannot be fetched, say so in one line and go on.")
    ] = False,
) -> None:
    """Download YuNet's weights (MIT licence, OpenCV Zoo), checked against a pinned sha256, within 60 seconds.

    The variable EDGE_AGENT_YUNET_URL names an address of your own to try first.
    """
    from edge_agent.config import DetectorSettings
    from edge_agent.errors import ModelError
    from edge_agent.system.logs import set_up_logging
    from edge_agent.vision.detector import detector_note
    from edge_agent.vision.weights import fetch as fetch_weights

    set_up_logging()
    try:
        typer.echo(f"YuNet is in {fetch_weights(sources=source or None)}")
    except ModelError:
        if not optional:
            raise
        typer.echo(f"note: {detector_note(DetectorSettings(), 'haar')}", err=True)


def _settings(config: Path | None, runtime: Runtime | None) -> Settings:
    from msgspec.structs import replace

    from edge_agent.config import Settings
    from edge_agent.config_file import load_settings

    settings = load_settings(config) if config else Settings()
    if runtime is not None:
        settings = replace(settings, classifier=replace(settings.classifier, runtime=runtime))
    return settings


def _with_camera(settings: Settings, source: str | None, path: str | None) -> Settings:
    from msgspec.structs import replace

    changes = {name: value for name, value in (("source", source), ("path", path)) if value is not None}
    return replace(settings, camera=replace(settings.camera, **changes))


def _broker(host: str, port: int, protocol: Literal["5", "3.1.1"]) -> MqttSettings:
    from edge_agent.addresses.parsing import check_host
    from edge_agent.config import MqttSettings

    check_host(host, "--host", "--port", InputError)
    return MqttSettings(host=host, port=port, protocol=protocol)


def main() -> None:
    """Run the command line."""
    run_app_and_leave(app)


if __name__ == "__main__":
    main()
