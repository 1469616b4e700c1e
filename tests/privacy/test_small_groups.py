"""At the level ``summary`` nothing that leaves the device depends on who is there while they are too few."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.config import DeviceSettings, PrivacySettings, Settings
from edge_agent.device.builders import MessageBuilder, ModelIdentity
from edge_agent.device.session import Session
from edge_agent.device.statistics import MessengerStatistics, PublisherStatistics
from edge_agent.health.metrics import exposition
from edge_agent.health.monitor import CameraReport, HealthMonitor
from edge_agent.outbox.statistics import OutboxStatistics
from edge_agent.pipeline import Pipeline
from edge_agent.privacy.summary import SummaryWindow
from edge_agent.protocol.messages import encode
from edge_agent.simulate import draw_face
from edge_agent.system.hardware_status import HardwareStatus
from edge_agent.types import Box, Detection, Frame, Image
from edge_agent.vision.camera_state import CameraState
from edge_agent.vision.classifier import Classifier
from edge_agent.vision.face_finder import FaceFinder
from edge_agent.vision.region import Region
from edge_agent.vision.resting_face import RestingFaces
from edge_agent.vision.smoothing import Smoother
from edge_agent.vision.tracker import Tracker, random_ids
from tests.support.clocks import SteppedClock

MIN_GROUP = 5
FPS, SECONDS = 4, 4
CLASSIFIER = Classifier.load()
SETTINGS = Settings(
    device=DeviceSettings(site="north", id="pi-3a"), privacy=PrivacySettings(level="summary", min_group=MIN_GROUP)
)
PORTRAITS = {name: draw_face(name, 1.0, seed=2, side_px=96).image for name in ("happy", "sad", "surprise", "neutral")}
Row = tuple[str, ...]
"""Who sits where in a frame, by expression."""


class Seats:
    """Finds exactly the faces that were put there."""

    name = "seats"

    def __init__(self) -> None:
        self.taken = 0

    def detect(self, image: Image) -> list[Detection]:  # noqa: ARG002 - the protocol has it
        """One face a seat, from the left."""
        return [Detection(Box(96.0 * seat, 0.0, 96.0), 1.0) for seat in range(self.taken)]

    def detect_in(self, image: Image, regions: Sequence[Region]) -> tuple[list[Detection], tuple[Region, ...]]:
        """Those of them in the regions."""
        inside = [face for face in self.detect(image) if any(area.holds(*face.box.center) for area in regions)]
        return inside, tuple(regions)

    def region_area(self, image: Image) -> float:
        """All of it."""
        return float(image.shape[0] * image.shape[1])


def published(rows: list[Row]) -> list[bytes]:
    """Everything that a lesson with these rows of faces makes leave the device, as it goes on the wire."""
    clock, seats = SteppedClock(), Seats()
    session = Session("01JD5W7T4KQ2AAAA", clock)
    builder = MessageBuilder(SETTINGS, ModelIdentity(CLASSIFIER.labels, CLASSIFIER.model_id), clock)
    pipeline = Pipeline(
        FaceFinder(seats),
        Tracker(SETTINGS.tracker, random_ids()),
        CLASSIFIER,
        RestingFaces(CLASSIFIER.labels, SETTINGS.resting_face),
        Smoother(CLASSIFIER.labels, SETTINGS.smoothing),
        SummaryWindow(1.0, MIN_GROUP),
        faces_per_frame=8,
        min_faces=MIN_GROUP,
    )
    health = HealthMonitor(clock.monotonic(), MIN_GROUP)
    sent: list[bytes] = []
    for index, row in enumerate(rows):
        clock.advance(1 / FPS)
        image = np.full((96, 96 * 12, 3), 128, np.uint8)
        for seat, expression in enumerate(row):
            image[:, 96 * seat : 96 * (seat + 1)] = PORTRAITS[expression]
        seats.taken = len(row)
        seen = pipeline.step(Frame(image, clock.monotonic(), index))
        assert not seen.classified or len(row) >= MIN_GROUP
        # Real times of this machine, which differ from run to run and grow with the faces.
        if seen.search is not None:
            health.count_search(seen.search, seen.search_cpu_ms)
        health.count(seen.stage_ms, total_ms=sum(taken for _, taken in seen.stage_ms) + 3.0 * len(row), faces=len(row))
        if seen.summary is not None:
            sent.append(encode(builder.summary(seen.summary, session)))
    camera = CameraReport(CameraState.OK, "", frames_read=len(rows), frames_dropped=0)
    statistics = MessengerStatistics(
        PublisherStatistics(connected=True, connections=1, denied=(), turned_at=0.0),
        OutboxStatistics(
            storage="disk",
            accepted=len(sent),
            delivered={},
            resent=0,
            pending=0,
            kept_bytes=sum(map(len, sent)),
            lost=0,
            quarantined=0,
            damaged_rows=0,
            turned_at=0.0,
            stalled=False,
        ),
        duplicate_ids=0,
    )
    report = health.report(camera, clock.monotonic(), HardwareStatus())
    health_message = builder.health(report, session, statistics, {"summary": len(sent)})
    return [*sent, encode(health_message), exposition(DeviceSettings(), health_message, connected=True).encode()]


def rows(least: int, most: int) -> st.SearchStrategy[list[Row]]:
    row = st.lists(st.sampled_from(sorted(PORTRAITS)), min_size=least, max_size=most).map(tuple)
    return st.lists(row, min_size=FPS * SECONDS, max_size=FPS * SECONDS)


@settings(max_examples=15)
@given(rows(1, 1), rows(MIN_GROUP - 1, MIN_GROUP - 1), rows(0, MIN_GROUP - 1))
def test_one_person_four_and_none_give_the_same_bytes(one: list[Row], four: list[Row], some: list[Row]) -> None:
    assert published(one) == published(four) == published(some)


def test_a_group_large_enough_is_reported() -> None:
    happy, sad = ([tuple([expression] * 6)] * (FPS * SECONDS) for expression in ("happy", "sad"))
    one, other = b"".join(published(happy)), b"".join(published(sad))
    assert b'"faces":6' in one
    assert b'"suppressed":false' in one
    assert b"latency_p50_seconds" in one
    assert one != other
