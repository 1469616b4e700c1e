"""How far healthy runtimes and damaged models are from recorded answers: the figures behind the check of golden faces.

    python -m qa.golden_spread BUNDLE [--old-python PYTHON]

``--old-python`` is an interpreter with tflite-runtime and NumPy 1. Healthy answers are those of every runtime that is
installed, against every other. Damages are single bits and bytes of the weights, blocks of them, and weights that
changed places; each is judged by whether it changes what the model says about a hundred drawn faces.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import typer
from numpy.typing import NDArray

from edge_agent.command_line import run_app
from edge_agent.errors import AgentError
from edge_agent.model_format.bundle import Bundle, read_bundle
from edge_agent.model_format.crop import crop_face
from edge_agent.model_format.golden_check import distance, is_as_recorded
from edge_agent.model_format.labels import FER2013
from edge_agent.simulate import draw_face
from edge_agent.vision.runtime import RUNTIMES, open_interpreter

FACES: Final = 100
GROUP: Final = 7
"""As many faces as a bundle has."""
_GROUPS: Final = 1000
_HARM: Final = 0.05
"""A damage is called harmful where it changes the label of so many faces."""

_KERNELS: Final = ("", "BUILTIN_REF", "BUILTIN_WITHOUT_DEFAULT_DELEGATES")
"""LiteRT's: XNNPACK's, the reference ones, and the optimised ones without XNNPACK."""

_ANSWERS = """
import functools, sys, numpy as np
if sys.argv[6]:
    import ai_edge_litert.interpreter as litert
    kernels = getattr(litert.OpResolverType, sys.argv[6])
    litert.Interpreter = functools.partial(litert.Interpreter, experimental_op_resolver_type=kernels)
from edge_agent.vision.classifier import Classifier
from edge_agent.model_format.bundle import read_bundle
classifier = Classifier(read_bundle(sys.argv[1]), runtime=sys.argv[2], threads=int(sys.argv[3]))
faces = np.load(sys.argv[4])
np.save(sys.argv[5], np.concatenate([classifier.logits(face[None]) for face in faces]))
"""


@dataclass(frozen=True)
class Damage:
    """A damaged model's answers.

    Attributes:
        kind: What was done.
        changed: Share of the faces whose label changed.
        largest: Of the golden faces, in steps.
        mean: Likewise.
        caught: Whether the check refuses it.
    """

    kind: str
    changed: float
    largest: float
    mean: float
    caught: bool


def drawn_faces(channels: int) -> NDArray[np.uint8]:
    """A hundred drawn faces, ``uint8 (100, 48, 48, C)``; a bundle's own are among the first."""
    found = []
    for person in range(FACES):
        portrait = draw_face(FER2013[person % len(FER2013)], 1.0, person, 192)
        box = portrait.box
        found.append(crop_face(portrait.image, box.left, box.top, box.side, channels))
    return np.stack(found)


def answers(
    python: str, bundle: Path, runtime: str, threads: int, faces: NDArray[np.uint8], kernels: str = ""
) -> NDArray[np.float32]:
    """A runtime's answers, in a process of its own; ``kernels`` is one of LiteRT's.

    Raises:
        RuntimeError: It is not there, or does not run the model.
    """
    with tempfile.TemporaryDirectory() as folder:
        given, out = Path(folder) / "faces.npy", Path(folder) / "answers.npy"
        np.save(given, faces)
        done = subprocess.run(
            [python, "-c", _ANSWERS, str(bundle), runtime, str(threads), str(given), str(out), kernels],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
            if python == sys.executable
            else {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip().splitlines()[-1:])
        found: NDArray[np.float32] = np.load(out)
        return found


def healthy(bundle: Bundle, answered: dict[str, NDArray[np.float32]], seed: int = 0) -> dict[str, dict[str, float]]:
    """For each pair of runtimes: the largest and mean difference over groups of seven faces, and refusals."""
    rng = np.random.default_rng(seed)
    names = list(answered)
    found = {}
    for index, one in enumerate(names):
        for other in names[index + 1 :]:
            groups = [rng.choice(FACES, GROUP, replace=False) for _ in range(_GROUPS)]
            apart = [distance(answered[one][rows], answered[other][rows], bundle.output_step) for rows in groups]
            refused = [
                not is_as_recorded(answered[one][rows], answered[other][rows], bundle.output_step) for rows in groups
            ]
            found[f"{one} / {other}"] = {
                "largest": max(each.largest for each in apart),
                "largest mean": max(each.mean for each in apart),
                "over 2 steps": float(np.mean([each.largest > 2.001 for each in apart])),
                "refused": float(np.mean(refused)),
            }
    return found


def weight_places(flatbuffer: bytes) -> list[tuple[int, int]]:
    """Where the weights are in a model: begin and length of each buffer with 64 bytes or more."""
    from ai_edge_litert import schema_py_generated as schema

    model: Any = schema.Model.GetRootAsModel(flatbuffer, 0)
    whole = np.frombuffer(flatbuffer, np.uint8)
    base = whole.__array_interface__["data"][0]
    places = []
    for index in range(model.BuffersLength()):
        data = model.Buffers(index).DataAsNumpy()
        if isinstance(data, np.ndarray) and data.size >= 64:
            places.append((int(data.__array_interface__["data"][0]) - base, int(data.size)))
    return places


def damaged(flatbuffer: bytes, kind: str, rng: np.random.Generator) -> bytes:
    """A copy of a model with one damage of its weights: ``bit``, ``byte``, ``block`` or ``swap``."""
    content = bytearray(flatbuffer)
    places = weight_places(flatbuffer)
    sizes = np.array([size for _, size in places], np.float64)
    begin, size = places[rng.choice(len(places), p=sizes / sizes.sum())]
    at = begin + int(rng.integers(size))
    if kind == "bit":
        content[at] ^= 1 << int(rng.integers(8))
    elif kind == "byte":
        content[at] ^= int(rng.integers(1, 256))
    elif kind == "block":
        length = min(512, begin + size - at)
        content[at : at + length] = rng.bytes(length)
    else:
        half = size // 2
        content[begin : begin + 2 * half] = content[begin + half : begin + 2 * half] + content[begin : begin + half]
    return bytes(content)


def judge(
    bundle: Bundle, kind: str, faces: NDArray[np.uint8], whole: NDArray[np.float32], rng: np.random.Generator
) -> Damage | None:
    """Damage a model once and run it; ``None`` where no runtime runs it any more."""
    try:
        found = _run(damaged(bundle.flatbuffer, kind, rng), faces, bundle)
    except (AgentError, RuntimeError, ValueError):
        return None
    apart = distance(whole[:GROUP], found[:GROUP], bundle.output_step)
    return Damage(
        kind,
        float(np.mean(found.argmax(axis=1) != whole.argmax(axis=1))),
        apart.largest,
        apart.mean,
        not is_as_recorded(whole[:GROUP], found[:GROUP], bundle.output_step),
    )


def _run(flatbuffer: bytes, faces: NDArray[np.uint8], bundle: Bundle) -> NDArray[np.float32]:
    from edge_agent.vision.classifier import Classifier

    opened = open_interpreter(flatbuffer, "auto")
    del opened
    classifier = Classifier(Bundle(**{**bundle_fields(bundle), "flatbuffer": flatbuffer}))
    return classifier.logits(faces)


def bundle_fields(bundle: Bundle) -> dict[str, Any]:
    """A bundle's fields, to make another one from them."""
    return {name: getattr(bundle, name) for name in bundle.__dataclass_fields__}


def _answers_of(python: str, file: Path, runtime: str, faces: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
    """A runtime's answers by one and by two threads; nothing where it is not there."""
    try:
        found = {f"{runtime}, {threads}": answers(python, file, runtime, threads, faces) for threads in (1, 2)}
        others = _KERNELS[1:] if runtime == "litert" else ()
        return found | {f"{runtime}, {one}": answers(python, file, runtime, 1, faces, one) for one in others}
    except RuntimeError as error:
        typer.echo(f"{runtime}: {error}", err=True)
        return {}


app = typer.Typer()


@app.command()
def spread(
    file: Annotated[Path, typer.Argument(help="A model bundle.")],
    old_python: Annotated[str, typer.Option(help="A Python with tflite-runtime.")] = "",
    count: Annotated[int, typer.Option(min=1, help="Damages of all kinds together.")] = 1000,
    seed: Annotated[int, typer.Option(min=0)] = 0,
) -> None:
    """Measure both sides of the check of golden faces."""
    bundle = read_bundle(file)
    faces = drawn_faces(bundle.metadata.input.channels)
    answered: dict[str, NDArray[np.float32]] = {}
    for runtime in RUNTIMES[1:]:
        python = old_python if runtime == "tflite" and old_python else sys.executable
        answered |= _answers_of(python, file, runtime, faces)
    typer.echo(json.dumps({"healthy": healthy(bundle, answered, seed)}, indent=2))
    rng = np.random.default_rng(seed)
    whole = _run(bundle.flatbuffer, faces, bundle)
    for kind in ("bit", "byte", "block", "swap"):
        found = [judge(bundle, kind, faces, whole, rng) for _ in range(count // 4)]
        ran = [one for one in found if one is not None]
        harmful = [one for one in ran if one.changed >= _HARM]
        summary = {
            "kind": kind,
            "damages": len(found),
            "do not run": len(found) - len(ran),
            "caught": sum(one.caught for one in ran),
            "over 2 steps": sum(one.largest > 2.001 for one in ran),
            "change 5 % of the labels": len(harmful),
            "of these caught": sum(one.caught for one in harmful),
            "most labels changed by one that passes": max((one.changed for one in ran if not one.caught), default=0.0),
        }
        typer.echo(json.dumps(summary))


if __name__ == "__main__":
    run_app(app, extra="device")
