"""The metrics for Prometheus, read by Prometheus' own parser."""

from __future__ import annotations

import socket
import urllib.error
import urllib.request

import pytest
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from edge_agent import __version__
from edge_agent.config import DeviceSettings, MetricsSettings
from edge_agent.health.metrics import CONTENT_TYPE, exposition
from edge_agent.health.metrics_server import serving_metrics
from edge_agent.protocol.messages import CameraHealth, Health, OutboxHealth, Percentiles
from edge_agent.protocol.problems import PROBLEMS
from tests.support.broker import free_port

HEALTH = Health(
    fps=9.81,
    latency_ms={"detect": Percentiles(p50=12.5, p95=19.0), "total": Percentiles(p50=21.0, p95=35.0)},
    camera=CameraHealth(state="stalled", reason="no frame"),
    frames_read=1200,
    frames_dropped=3,
    temperature_c=61.2,
    throttled=True,
    fps_limit=5.0,
    problems=("camera_stalled", 'a "quoted" \\word\n'),
    outbox=OutboxHealth(storage="degraded", pending=4, kept_bytes=800, lost=2),
    last_seq={"summary": 17, "expression": 5},
    observed_at="2026-11-22T09:00:00.123Z",
    mono_ms=183422,
    session="01JD5W7T4KQ2AAAA",
    clock_synced=True,
)


DEVICE = DeviceSettings(site="north", id="pi-3a", room="2b")


def samples(text: str) -> dict[tuple[str, ...], float]:
    """By name and label values."""
    families = text_string_to_metric_families(text)
    return {(sample.name, *sample.labels.values()): sample.value for family in families for sample in family.samples}


def test_every_figure_of_health_is_there_in_base_units() -> None:
    found = samples(exposition(DEVICE, HEALTH, connected=False))
    expected = {
        ("edge_agent_broker_connected",): 0.0,
        ("edge_agent_frame_rate_hertz",): 9.81,
        ("edge_agent_latency_p50_seconds", "detect"): 0.0125,
        ("edge_agent_latency_p95_seconds", "detect"): 0.019,
        ("edge_agent_latency_p50_seconds", "total"): 0.021,
        ("edge_agent_latency_p95_seconds", "total"): 0.035,
        ("edge_agent_camera_state", "stalled"): 1.0,
        ("edge_agent_camera_state", "ok"): 0.0,
        ("edge_agent_frames_read_total",): 1200.0,
        ("edge_agent_frames_dropped_total",): 3.0,
        ("edge_agent_temperature_celsius",): 61.2,
        ("edge_agent_throttled",): 1.0,
        ("edge_agent_frame_rate_limit_hertz",): 5.0,
        ("edge_agent_muted",): 0.0,
        ("edge_agent_problem", "camera_stalled"): 1.0,
        ("edge_agent_problem", 'a "quoted" \\word\n'): 1.0,
        ("edge_agent_outbox_storage", "degraded"): 1.0,
        ("edge_agent_outbox_storage", "disk"): 0.0,
        ("edge_agent_outbox_pending_events",): 4.0,
        ("edge_agent_outbox_kept_bytes",): 800.0,
        ("edge_agent_events_lost_total",): 2.0,
        ("edge_agent_events_delivered_total", "summary"): 17.0,
        ("edge_agent_events_delivered_total", "expression"): 5.0,
        ("edge_agent_clock_synced",): 1.0,
        ("edge_agent_session_seconds",): 183.422,
    }
    assert expected.items() <= found.items()


def test_counters_end_in_total_and_everything_has_a_help_text() -> None:
    for family in text_string_to_metric_families(exposition(DEVICE, HEALTH, connected=True)):
        assert family.documentation
        assert {sample.name.endswith("_total") for sample in family.samples} == {family.type == "counter"}


def test_what_is_not_known_has_no_sample() -> None:
    found = samples(exposition(DEVICE, replace(HEALTH, temperature_c=None, throttled=None), connected=True))
    assert not [name for name in found if name[0] in ("edge_agent_temperature_celsius", "edge_agent_throttled")]
    before = samples(exposition(DEVICE, None, connected=True))
    assert {name for name, *_ in before} == {"edge_agent_info", "edge_agent_broker_connected"}


def test_prometheus_can_fetch_them_from_this_machine_alone() -> None:
    settings = MetricsSettings(port=free_port())
    with serving_metrics(settings, lambda: "edge_agent_info 1\n"):
        with urllib.request.urlopen(f"http://127.0.0.1:{settings.port}/metrics", timeout=30) as answer:
            assert (answer.headers["Content-Type"], answer.read()) == (CONTENT_TYPE, b"edge_agent_info 1\n")
        with pytest.raises(urllib.error.HTTPError, match="404") as caught:
            urllib.request.urlopen(f"http://127.0.0.1:{settings.port}/", timeout=30)
        caught.value.close()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.2", settings.port), timeout=30)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", settings.port), timeout=30)


def test_a_port_in_use_is_said_and_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with serving_metrics(MetricsSettings(port=port), lambda: "") as served:
            assert served == 0
    assert f"127.0.0.1:{port}" in caplog.text


def test_no_port_is_opened_unless_asked_for() -> None:
    with serving_metrics(MetricsSettings(), lambda: "") as port:
        assert port == 0


def test_site_and_device_are_named_once_and_no_label_changes_at_a_restart() -> None:
    page = exposition(DEVICE, HEALTH, connected=True)
    assert page == exposition(DEVICE, replace(HEALTH, session="01ZZZZZZZZZZZZZZ"), connected=True)
    families = {family.name: family for family in text_string_to_metric_families(page)}
    (info,) = families["edge_agent_info"].samples
    assert info.labels == {"site": "north", "device": "pi-3a", "room": "2b", "version": __version__}
    others = [sample for name, family in families.items() for sample in family.samples if name != "edge_agent_info"]
    assert not [sample for sample in others if {"site", "device", "session"} & set(sample.labels)]


def test_every_problem_has_a_series_whether_or_not_it_is_there() -> None:
    well = samples(exposition(DEVICE, replace(HEALTH, problems=()), connected=True))
    ill = samples(exposition(DEVICE, replace(HEALTH, problems=("throttled", "news")), connected=True))
    assert {name[1]: value for name, value in well.items() if name[0] == "edge_agent_problem"} == dict.fromkeys(
        PROBLEMS, 0.0
    )
    assert [name[1] for name, value in ill.items() if name[0] == "edge_agent_problem" and value] == [
        "throttled",
        "news",
    ]
