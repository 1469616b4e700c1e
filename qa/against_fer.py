"""The whole pipeline against the package ``fer``, on the same drawn frames: ``python -m qa.against_fer``.

Installs ``fer`` in a temporary folder. It needs TensorFlow, which the extra ``train`` has. Prints the processor
time of a frame, on one thread. The frames are drawn outside of what is measured.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from edge_agent.commands.bench import measure
from edge_agent.config import Settings
from edge_agent.errors import CheckFailed
from qa.argument_types import count, positive

# MTCNN, for which fer wants PyTorch, is not used: its own default is OpenCV's cascade.
_PACKAGES = ("fer==25.10.3", "pandas", "python-dateutil", "six", "pytz", "tzdata", "setuptools<81")

_FER = """
import sys, time
import cv2
import tensorflow
from fer.fer import FER
from edge_agent.simulate import SimulatedClassroom

frames, every_s, people, width, height, seed = int(sys.argv[1]), float(sys.argv[2]), *map(int, sys.argv[3:])
cv2.setNumThreads(1)
tensorflow.config.threading.set_intra_op_parallelism_threads(1)
tensorflow.config.threading.set_inter_op_parallelism_threads(1)
scene, detector, found, taken_s = SimulatedClassroom(people, width, height, seed), FER(), 0, 0.0
detector.detect_emotions(scene.render(0.0))
for number in range(frames):
    image = scene.render(number * every_s)
    began_s = time.process_time()
    found += len(detector.detect_emotions(image))
    taken_s += time.process_time() - began_s
print(taken_s * 1000.0 / frames, found / frames)
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a program took for the same frames.

    Attributes:
        frame_ms: Mean milliseconds of processor time a frame.
        found: Mean number of faces in a frame.
    """

    frame_ms: float
    found: float


def install(folder: Path) -> None:
    """Install ``fer`` in a folder of its own."""
    target = ["--quiet", "--no-deps", "--target", str(folder)]
    subprocess.run([sys.executable, "-m", "pip", "install", *target, *_PACKAGES], check=True)


def measure_fer(settings: Settings, frames: int, every_s: float, folder: Path) -> Measured:
    """Run the ``fer`` that was installed in a folder.

    Args:
        settings: ``camera`` says what is drawn.
        frames: How many.
        every_s: How far apart they are, in seconds of the lesson.
        folder: Where it is.

    Raises:
        CheckFailed: It ended with an error.
    """
    camera = settings.camera
    drawn = (frames, every_s, camera.faces, camera.width_px, camera.height_px, camera.seed)
    path = os.pathsep.join([str(folder), str(Path.cwd()), *filter(None, sys.path)])
    run = [sys.executable, "-c", _FER, *map(str, drawn)]
    env = {**os.environ, "PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "3", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(run, check=False, capture_output=True, text=True, env=env)
    if done.returncode != 0:
        raise CheckFailed(f"fer ended with code {done.returncode}:\n{done.stderr[-2000:]}")
    # Before its last line there may be what its libraries print.
    return Measured(*map(float, done.stdout.splitlines()[-1].split()))


def comparison(fer: Measured, ours: Measured, people: int) -> str:
    """Three lines for a person."""
    return "\n".join(
        [
            f"fer:      {fer.frame_ms:6.1f} ms a frame, {fer.found:.1f} of {people} faces found",
            f"pipeline: {ours.frame_ms:6.1f} ms a frame, {ours.found:.1f} of {people} faces known",
            f"ratio:    {fer.frame_ms / ours.frame_ms:6.1f}",
        ]
    )


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", default="", help="YuNet's weights; the fetched ones unless given")
    parser.add_argument("--detector", choices=("auto", "haar", "yunet"), default="yunet")
    parser.add_argument("--faces", type=count, default=12, help="people in the class")
    parser.add_argument("--seconds", type=positive, default=60.0, help="of the lesson, for the pipeline")
    parser.add_argument("--fer-frames", type=count, default=30, help="frames for fer, spread over these seconds")
    options = parser.parse_args()
    settings = Settings()
    settings = replace(
        settings,
        camera=replace(settings.camera, source="simulated", faces=options.faces),
        detector=replace(settings.detector, kind=options.detector, weights=options.weights),
    )
    with tempfile.TemporaryDirectory() as folder:
        install(Path(folder))
        fer = measure_fer(settings, options.fer_frames, options.seconds / options.fer_frames, Path(folder))
    ours = measure(settings, seconds=options.seconds)
    print(comparison(fer, Measured(ours.frame_ms, ours.found), options.faces))  # noqa: T201 - a command's output


if __name__ == "__main__":
    main()
