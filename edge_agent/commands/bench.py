"""How fast this board is: the pipeline on drawn frames, one thread, and which settings suit it.

Frames are drawn by a child process, so that neither their time nor their memory counts.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np

from edge_agent.config import Settings
from edge_agent.errors import CheckFailed
from edge_agent.pipeline import Pipeline
from edge_agent.system.process_memory import resident_mb
from edge_agent.types import Frame, Image
from edge_agent.update.source import model_source
from edge_agent.vision.classifier import Classifier
from edge_agent.vision.detector import detector_note, open_detector

STAGES: Final = ("detect", "track", "classify", "decide")
_WARM_UP_FRAMES: Final = 5
_SPARE: Final = 1.5
"""A board needs so many times the speed of its camera: other programs run too, and a lesson has busy moments."""

_SMALL_MODEL: Final = "edge-tiny"
_DRAW: Final = """
import sys
from edge_agent.simulate import SimulatedClassroom
faces, width, height, seed, frames, fps = sys.argv[1:]
scene = SimulatedClassroom(int(faces), int(width), int(height), int(seed))
for number in range(int(frames)):
    sys.stdout.buffer.write(scene.render(2.0 + number / float(fps)).tobytes())
"""


@dataclass(frozen=True, slots=True)
class BenchReport:
    """What a board can do.

    Attributes:
        frames: How many were measured.
        faces: People in the drawn class.
        size: Width and height of a frame in pixels.
        fps: Frames a second of the drawn camera, which the search for faces bends to.
        detector: ``haar`` or ``yunet``.
        every_frame: Whether every frame was searched whole.
        model: Id and name of the model.
        stage_ms: Mean milliseconds of processor time a frame, by stage.
        p95_ms: 95 % of the frames took less.
        searched: How many frames were searched whole, by regions, or not at all.
        found: Mean number of faces present.
        memory_mb: Resident memory of this process at the end; ``None`` where the system does not tell.
        note: What to do for a better detector; empty where all is well.
    """

    frames: int
    faces: int
    size: tuple[int, int]
    fps: float
    detector: str
    every_frame: bool
    model: str
    stage_ms: dict[str, float]
    p95_ms: float
    searched: dict[str, int]
    found: float
    memory_mb: float | None
    note: str

    @property
    def frame_ms(self) -> float:
        """Mean milliseconds of processor time a frame."""
        return sum(self.stage_ms.values())

    @property
    def fps_held(self) -> float:
        """Frames a second that one core of this board holds, with nothing else running."""
        return 1000.0 / max(self.frame_ms, 1e-6)

    def as_dict(self) -> dict[str, Any]:
        """The report as one JSON object."""
        return {
            "frames": self.frames,
            "faces": self.faces,
            "width": self.size[0],
            "height": self.size[1],
            "fps": self.fps,
            "detector": self.detector,
            "every_frame": self.every_frame,
            "model": self.model,
            "frame_ms": round(self.frame_ms, 2),
            "p95_ms": round(self.p95_ms, 2),
            "stages": {
                name: {"ms": round(taken_ms, 3), "share": round(self._share(taken_ms), 4)}
                for name, taken_ms in self.stage_ms.items()
            },
            "searched": self.searched,
            "found": round(self.found, 2),
            "fps_held": round(self.fps_held, 1),
            "memory_mb": self.memory_mb,
            "advice": suiting_settings(self),
            "note": self.note,
        }

    def as_text(self) -> str:
        """The report for a person."""
        whole, regions, none = (self.searched.get(kind, 0) for kind in ("whole", "regions", "none"))
        memory = "unknown" if self.memory_mb is None else f"{self.memory_mb:.0f} MB"
        return "\n".join(
            [
                f"{self.frames} frames of {self.size[0]}x{self.size[1]} pixels at {self.fps:g} a second, {self.faces} "
                f"people, {self.detector}, model {self.model}, one thread",
                f"searched: {whole} whole, {regions} by regions, {none} not at all; {self.found:.1f} faces present",
                "",
                f"{'stage':10} {'ms':>8} {'share':>7}",
                *(f"{name:10} {ms:8.2f} {self._share(ms):7.0%}" for name, ms in self.stage_ms.items()),
                f"{'frame':10} {self.frame_ms:8.2f} {1:7.0%}   95 % of the frames: under {self.p95_ms:.1f} ms",
                "",
                f"frames a second this board holds: {self.fps_held:.1f}",
                f"memory: {memory}",
                suiting_settings(self) + ".",
                *([f"note: {self.note}"] if self.note else []),
            ]
        )

    def _share(self, taken_ms: float) -> float:
        return taken_ms / max(self.frame_ms, 1e-6)


def measure(settings: Settings, *, seconds: float) -> BenchReport:
    """Run the pipeline over a drawn class as fast as it goes, on one thread.

    Args:
        settings: ``camera`` says how many people are drawn, how large and how often; the others are the agent's.
        seconds: How many seconds of the lesson.

    Raises:
        ModelError: The model or the detector cannot be used.
        CheckFailed: The frames could not be drawn.
    """
    camera = settings.camera
    detector = open_detector(settings.detector)
    classifier = Classifier.load(model_source(settings).path, runtime=settings.classifier.runtime, threads=1)
    pipeline = Pipeline.from_settings(settings, detector, classifier)
    wanted = max(1, round(seconds * camera.fps)) + _WARM_UP_FRAMES
    stages: defaultdict[str, float] = defaultdict(float)
    searched: Counter[str] = Counter()
    taken_ms: list[float] = []
    present = 0
    with _one_thread():
        for index, image in enumerate(_drawn(settings, wanted)):
            began_s = time.thread_time()
            seen = pipeline.step(Frame(image, index / camera.fps, index))
            cpu_ms = (time.thread_time() - began_s) * 1000.0
            if index < _WARM_UP_FRAMES:
                continue
            taken_ms.append(cpu_ms)
            # Wall time by stage, scaled to the processor's: other programs' share of the machine is left out.
            wall_ms = sum(ms for _, ms in seen.stage_ms) or 1.0
            for stage, ms in seen.stage_ms:
                stages[stage] += ms * cpu_ms / wall_ms
            searched[seen.search.kind if seen.search is not None else "none"] += 1
            present += len(seen.faces)
    frames = len(taken_ms)
    return BenchReport(
        frames=frames,
        faces=camera.faces,
        size=(camera.width_px, camera.height_px),
        fps=camera.fps,
        detector=detector.name,
        every_frame=settings.detector.every_frame,
        model=f"{classifier.model_id} ({classifier.metadata.name})",
        stage_ms={name: stages[name] / frames for name in STAGES},
        p95_ms=float(np.percentile(taken_ms, 95)),
        searched=dict(searched),
        found=present / frames,
        memory_mb=resident_mb(),
        note=detector_note(settings.detector, detector.name),
    )


def suiting_settings(report: BenchReport) -> str:
    """A sentence on which settings suit a board that is this fast, without its full stop."""
    held, wanted = report.fps_held, report.fps
    if held >= _SPARE * wanted:
        times = f"{held / wanted:.1f} times the {wanted:g} frames a second asked for"
        return f"These settings suit this board: it holds {times}"
    changes = []
    if report.every_frame:
        changes.append("every_frame = false in [detector]")
    if report.note:
        changes.append("YuNet's weights (edge-agent detector fetch)")
    if report.stage_ms["classify"] > 0.25 * report.frame_ms and _SMALL_MODEL not in report.model:
        changes.append(f'model = "{_SMALL_MODEL}" in [classifier]')
    slower = max(1, int(held / _SPARE))
    if held / _SPARE < 1.0:
        changes.append("smaller frames (width_px and height_px in [camera])")
    changes.append(f"fps = {slower} in [camera]")
    return f"This board is too slow for {wanted:g} frames a second with room to spare. Try {', then '.join(changes)}"


def _drawn(settings: Settings, frames: int) -> Iterator[Image]:
    camera = settings.camera
    shape = (camera.height_px, camera.width_px, 3)
    arguments = (camera.faces, camera.width_px, camera.height_px, camera.seed, frames, camera.fps)
    child = subprocess.Popen(
        [sys.executable, "-c", _DRAW, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    assert child.stdout is not None
    try:
        for number in range(frames):
            content = child.stdout.read(int(np.prod(shape)))
            if len(content) < np.prod(shape):
                raise CheckFailed("bench: the frames could not be drawn", received=f"{number} of {frames}")
            yield np.frombuffer(content, np.uint8).reshape(shape)
    finally:
        child.stdout.close()
        child.kill()
        child.wait()


@contextmanager
def _one_thread() -> Iterator[None]:
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)
