"""The statistics of ``health`` in Prometheus' text format (version 0.0.4), and nothing that ``health`` leaves out.

Units are Prometheus' base units: seconds, bytes, degrees Celsius. What the platform does not report has no sample.

Site and device are labels of ``edge_agent_info`` alone. Every device is a target of its own, which Prometheus tells
apart by ``instance``; a query joins the names to any figure with ``* on (instance) group_left (site, device)``. The
session is no label: each restart would begin a new series.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from edge_agent import __version__
from edge_agent.config import DeviceSettings
from edge_agent.protocol.messages import Health
from edge_agent.protocol.problems import PROBLEMS
from edge_agent.vision.camera_state import CameraState

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_PREFIX = "edge_agent_"
_STORAGES = ("disk", "memory", "degraded")
_QUANTILES = ("p50", "p95")

Sample = tuple[Mapping[str, str], float]


def exposition(device: DeviceSettings, health: Health | None, *, connected: bool) -> str:
    """The page that Prometheus reads.

    Args:
        device: Which device it is.
        health: The last report; ``None`` before the first.
        connected: Whether messages are flowing to the broker, which ``health`` cannot say while they are not.
    """
    page = _Page()
    names = {"site": device.site, "device": device.id, "room": device.room, "version": __version__}
    page.add("info", "gauge", "Which device this is, and the version of its agent.", [(names, 1)])
    page.add("broker_connected", "gauge", "Whether messages are flowing to the broker.", [({}, connected)])
    if health is not None:
        _add_health(page, health)
    return page.text()


def _add_health(page: _Page, health: Health) -> None:
    page.add("frame_rate_hertz", "gauge", "Frames taken through the pipeline a second.", [({}, health.fps)])
    for name in _QUANTILES:
        spreads = [({"stage": stage}, getattr(spread, name) / 1000) for stage, spread in health.latency_ms.items()]
        page.add(f"latency_{name}_seconds", "gauge", f"Latency by stage, {name} of the reporting period.", spreads)
    page.add(
        "camera_state",
        "gauge",
        "1 for the state the camera is in.",
        _one_of("state", [state.value for state in CameraState], health.camera.state),
    )
    page.add("frames_read_total", "counter", "Frames the camera delivered.", [({}, health.frames_read)])
    page.add(
        "frames_dropped_total", "counter", "Frames among them that were not looked at.", [({}, health.frames_dropped)]
    )
    page.add(
        "frames_undecodable_total",
        "counter",
        "Pictures that could not be decoded and were skipped.",
        [({}, health.camera.undecodable)],
    )
    page.add("temperature_celsius", "gauge", "Temperature of the processor.", _if_known(health.temperature_c))
    page.add("throttled", "gauge", "Whether the platform holds its clock down.", _if_known(health.throttled))
    page.add(
        "frame_rate_limit_hertz",
        "gauge",
        "Frames a second that the device limits itself to while it is hot.",
        _if_known(health.fps_limit),
    )
    page.add("muted", "gauge", "Whether the camera is closed on request.", [({}, health.muted)])
    words = dict.fromkeys((*PROBLEMS, *health.problems))
    wrong = [({"problem": word}, word in health.problems) for word in words]
    page.add("problem", "gauge", "1 for everything that is wrong, 0 for what could be.", wrong)
    outbox = health.outbox
    page.add("outbox_storage", "gauge", "1 for where events wait.", _one_of("storage", _STORAGES, outbox.storage))
    page.add("outbox_pending_events", "gauge", "Events not yet acknowledged by the broker.", [({}, outbox.pending)])
    page.add("outbox_kept_bytes", "gauge", "Size of all events held.", [({}, outbox.kept_bytes)])
    page.add("events_lost_total", "counter", "Events given up since the session began.", [({}, outbox.lost)])
    page.add(
        "events_delivered_total",
        "counter",
        "Events acknowledged by the broker since the session began.",
        [({"topic": topic}, seq) for topic, seq in health.last_seq.items()],
    )
    page.add("clock_synced", "gauge", "Whether the device's clock is set.", [({}, health.clock_synced)])
    page.add("session_seconds", "gauge", "Age of the session at its last report.", [({}, health.mono_ms / 1000)])


class _Page:
    """Collects metric families; a family without samples is left out."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def add(self, name: str, kind: Literal["gauge", "counter"], help_text: str, samples: Iterable[Sample]) -> None:
        lines = [f"{_PREFIX}{name}{_labels(labels)} {float(value)!r}" for labels, value in samples]
        if lines:
            self._lines += [f"# HELP {_PREFIX}{name} {help_text}", f"# TYPE {_PREFIX}{name} {kind}", *lines]

    def text(self) -> str:
        return "\n".join(self._lines) + "\n"


def _labels(labels: Mapping[str, str]) -> str:
    written = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{written}}}" if written else ""


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _one_of(label: str, choices: Iterable[str], chosen: str) -> list[Sample]:
    return [({label: choice}, choice == chosen) for choice in choices]


def _if_known(value: float | bool | None) -> list[Sample]:
    return [] if value is None else [({}, value)]
