"""How many instructions each frame takes. Runs on an emulated board whose emulator counts them.

python counted_frames.py COUNTER WEIGHTS WIDTH HEIGHT FPS [--every-frame] < frames > counts

COUNTER is the file in which the plugin of qa/arm/counter.c keeps its count. Frames come as bytes, blue-green-red. For
each comes one line of JSON: how it was searched, and how many instructions that and all its work took.
"""

from __future__ import annotations

import json
import mmap
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from msgspec.structs import replace

from edge_agent.config import DetectorSettings, Settings
from edge_agent.pipeline import Pipeline
from edge_agent.types import Detection, Frame, Image
from edge_agent.vision.box_calibration import RawFace
from edge_agent.vision.classifier import Classifier
from edge_agent.vision.region import Region
from edge_agent.vision.weights import read_weights
from edge_agent.vision.yunet import YuNetDetector

PER_SECOND: Final = 1.5e9
"""Instructions a second on a Raspberry Pi 4, roughly. How often whole frames are searched depends on what that takes:
an emulator's own time would say that it takes seconds."""


class Counter:
    """The count of instructions so far.

    Args:
        file: Where the plugin keeps it.
    """

    def __init__(self, file: Path) -> None:
        with file.open("rb") as opened:
            self._count = mmap.mmap(opened.fileno(), 8, prot=mmap.PROT_READ)

    def read(self) -> int:
        """Instructions since the start."""
        return int.from_bytes(self._count[:8], "little")


class CountedYuNet(YuNetDetector):
    """YuNet that notes what its last search took.

    Attributes:
        searched: Width and height of the picture that the network was given.
        taken: Instructions of the search, resizing and drawing included.
    """

    def __init__(self, counter: Counter, weights: Path, settings: DetectorSettings) -> None:
        super().__init__(read_weights(weights), str(weights), settings.min_face_px, settings.min_score)
        self._counter = counter
        self.searched, self.taken = (0, 0), 0

    def detect(self, image: Image) -> list[Detection]:
        began = self._counter.read()
        found = super().detect(image)
        self.taken = self._counter.read() - began
        return found

    def detect_in(self, image: Image, regions: Sequence[Region]) -> tuple[list[Detection], tuple[Region, ...]]:
        began = self._counter.read()
        found = super().detect_in(image, regions)
        self.taken = self._counter.read() - began
        return found

    def _search(self, image: Image, min_square_px: float) -> list[RawFace]:
        self.searched = (image.shape[1], image.shape[0])
        return super()._search(image, min_square_px)


def main(counter_file: str, weights: str, width: str, height: str, fps: str, *options: str) -> None:
    """Run the pipeline over all frames that come."""
    counter, settings = Counter(Path(counter_file)), Settings()
    settings = replace(settings, detector=replace(settings.detector, every_frame="--every-frame" in options))
    time.thread_time = lambda: counter.read() / PER_SECOND
    cv2.setNumThreads(1)
    detector = CountedYuNet(counter, Path(weights), settings.detector)
    classifier = Classifier.load(threads=1)
    pipeline = Pipeline.from_settings(settings, detector, classifier)
    shape = (int(height), int(width), 3)
    index = 0
    while len(content := sys.stdin.buffer.read(int(np.prod(shape)))) == np.prod(shape):
        frame = Frame(np.frombuffer(content, np.uint8).reshape(shape), index / float(fps), index)
        detector.searched, detector.taken = (0, 0), 0
        began = counter.read()
        seen = pipeline.step(frame)
        taken = counter.read() - began
        line: dict[str, Any] = {"kind": "none" if seen.search is None else seen.search.kind, "taken": taken}
        line |= {"searched": detector.searched, "search_taken": detector.taken, "faces": len(seen.faces)}
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()
        index += 1


if __name__ == "__main__":
    main(*sys.argv[1:])
