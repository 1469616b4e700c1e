"""How well faces are followed in scenes with truth, and at what cost: ``python -m qa.tracking``.

Every scene is watched twice in one run: searched in every frame, and searched only where needed. Prints for each:
IDF1 (Ristani et al. 2016), id switches, ghosts (tracks at no face) a frame, the time until a face is known, recall and
processor time.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from scipy.optimize import linear_sum_assignment  # type: ignore[import-untyped]

from edge_agent.config import DetectorSettings, TrackerSettings
from edge_agent.simulate.scenes import SCENES, Scene
from edge_agent.types import Box, Detection, Image
from edge_agent.vision import search_plan
from edge_agent.vision.detector import Detector, open_detector
from edge_agent.vision.face_finder import FaceFinder
from edge_agent.vision.region import Region, edges_of
from edge_agent.vision.tracker import Tracker, random_ids
from qa.argument_types import positive

FPS = 10.0
_SAME = 0.35
"""Intersection over union from which on a track is at a face."""


class WorseDetector:
    """A detector that misses some of the faces it finds, by chance.

    Args:
        detector: The real one.
        share: Of the faces that are kept.
    """

    def __init__(self, detector: Detector, share: float) -> None:
        self.name, self._detector, self._share = detector.name, detector, share
        self._chance = random.Random(5)

    def detect(self, image: Image) -> list[Detection]:
        """Some of the faces."""
        return self._some(self._detector.detect(image))

    def detect_in(self, image: Image, regions: Sequence[Region]) -> tuple[list[Detection], tuple[Region, ...]]:
        """Some of the faces in the regions."""
        found, searched = self._detector.detect_in(image, regions)
        return self._some(found), searched

    def region_area(self, image: Image) -> float:
        """As the real one."""
        return self._detector.region_area(image)

    def _some(self, found: list[Detection]) -> list[Detection]:
        return [face for face in found if self._chance.random() < self._share]


@dataclass
class Score:
    """How well one scene was followed."""

    frames: int = 0
    faces: int = 0
    tracks: int = 0
    together: Counter[tuple[int, str]] = field(default_factory=Counter)
    track_frames: Counter[str] = field(default_factory=Counter)
    face_frames: Counter[int] = field(default_factory=Counter)
    last_track: dict[int, str] = field(default_factory=dict)
    switches: int = 0
    ghosts: int = 0
    seen: int = 0
    waits_s: list[float] = field(default_factory=list)
    waiting_since: dict[int, float] = field(default_factory=dict)
    cpu_ms: float = 0.0

    def count(self, truth: dict[int, Box], tracks: dict[str, Box], t: float) -> None:
        """Count one frame: the faces there are, and the tracks at faces in sight."""
        self.frames += 1
        at: dict[int, str] = {}
        for number, box in truth.items():
            best = max(tracks, key=lambda track: tracks[track].iou(box), default="")
            self.face_frames[number] += 1
            if best and tracks[best].iou(box) >= _SAME:
                at[number] = best
        for number in [number for number in self.waiting_since if number not in truth]:
            del self.waiting_since[number]
        for number in truth:
            if number not in self.waiting_since:
                self.waiting_since[number] = t
            if number in at and self.waiting_since[number] >= 0:
                self.waits_s.append(t - self.waiting_since[number])
                self.waiting_since[number] = -1.0
        for number, track in at.items():
            self.together[number, track] += 1
            self.switches += self.last_track.get(number, track) != track
            self.last_track[number] = track
        self.seen += len(at)
        self.ghosts += sum(all(tracks[track].iou(box) < 0.1 for box in truth.values()) for track in tracks)
        self.track_frames.update(tracks.keys())

    @property
    def idf1(self) -> float:
        """Share of frames with the right identity, for the best pairing of tracks with people."""
        people, tracks = sorted(self.face_frames), sorted(self.track_frames)
        if not people or not tracks:
            return 0.0
        gains = np.array([[self.together[number, track] for track in tracks] for number in people])
        rows, columns = linear_sum_assignment(-gains)
        right = int(gains[rows, columns].sum())
        return 2 * right / (self.face_frames.total() + self.track_frames.total())


def follow(scene: Scene, detector: Detector, *, every_frame: bool) -> Score:
    """Watch one scene."""
    finder = FaceFinder(
        WorseDetector(detector, scene.detected) if scene.detected < 1.0 else detector, every_frame=every_frame
    )
    tracker = Tracker(TrackerSettings(), random_ids(random.Random(1)))
    score = Score()
    for frame in range(round(scene.seconds * FPS)):
        t = frame / FPS
        image = scene.render(t)
        began = time.thread_time()
        found = finder.find(image, tracker, 100.0 + t)
        update = tracker.update(found.detections, 100.0 + t, found.search.covers, edges_of(image))
        score.cpu_ms += (time.thread_time() - began) * 1000.0
        score.count(scene.truth(t), {face.track: face.box for face in update.present}, t)
    return score


def table(results: Sequence[tuple[str, str, Score]]) -> str:
    """The scores as Markdown."""
    lines = [
        "| scene | searched | IDF1 | switches | ghosts a frame | known after, median / longest | recall | ms a frame |",
        "| --- | --- | --: | --: | --: | --: | --: | --: |",
    ]
    for name, how, score in results:
        waits = sorted(score.waits_s) or [float("nan")]
        lines.append(
            f"| {name} | {how} | {score.idf1:.3f} | {score.switches} | {score.ghosts / score.frames:.2f} "
            f"| {waits[len(waits) // 2]:.1f} / {waits[-1]:.1f} s "
            f"| {score.seen / max(1, score.face_frames.total()):.1%} | {score.cpu_ms / score.frames:.1f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, help="YuNet's weights; the fetched ones unless given")
    parser.add_argument("--detector", choices=("auto", "haar", "yunet"), default="auto")
    parser.add_argument("--scene", choices=[scene.name for scene in SCENES], help="only this one")
    parser.add_argument(
        "--whole-every", type=positive, metavar="S", help="whole searches so often; else by what they cost"
    )
    options = parser.parse_args()
    if options.whole_every:
        search_plan.MIN_WHOLE_EVERY_S = search_plan.MAX_WHOLE_EVERY_S = options.whole_every
    cv2.setNumThreads(1)
    settings = DetectorSettings(kind=options.detector, weights=str(options.weights or ""))
    results = []
    for scene in SCENES:
        if options.scene in (None, scene.name):
            for how in ("every frame", "when needed"):
                score = follow(scene, open_detector(settings), every_frame=how == "every frame")
                results.append((scene.name, how, score))
    print(table(results))  # noqa: T201 - a command's output


if __name__ == "__main__":
    main()
