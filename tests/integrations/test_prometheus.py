"""Scrape configuration, alerts and the Grafana dashboard's queries, with a real Prometheus and a live agent."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from msgspec.structs import replace

from edge_agent.health.metrics import CONTENT_TYPE, exposition
from tests.health.test_metrics import DEVICE as ILL_DEVICE
from tests.health.test_metrics import HEALTH
from tests.integrations.classroom import Classroom, running_classroom
from tests.integrations.prometheus import PACK, TARGET, Prometheus, running_prometheus
from tests.integrations.test_alerts import names, promtool
from tests.support.broker import free_port, running_mosquitto, wait_until

GRAFANA = PACK.parent / "grafana"
DASHBOARD = json.loads((GRAFANA / "dashboards" / "classroom.json").read_text(encoding="utf-8"))
QUERIES = [(panel["title"], target["expr"]) for panel in DASHBOARD["panels"] for target in panel["targets"]]
Scraped = tuple[Prometheus, Classroom, str]
ILL = replace(HEALTH, problems=("camera_stalled",), fps_limit=5.0)
OTHER_NAMES = {"site": "south", "id": "pi-9"}


def test_promtool_takes_the_scrape_configuration() -> None:
    done = promtool("check", "config", str(PACK / "prometheus.yml"))
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_finds_every_alert_raised_and_not_raised_as_the_pack_says() -> None:
    done = promtool("test", "rules", str(PACK / "alerts_test.yml"))
    assert done.returncode == 0, done.stdout + done.stderr
    text = (PACK / "alerts_test.yml").read_text(encoding="utf-8")
    for name in names():
        cases = re.findall(rf"alertname: {name}\n +eval_time: .*\n +exp_alerts:( \[\])?\n", text)
        assert sorted(set(cases)) == ["", " []"], f"{name} is not seen both raised and not raised"


@pytest.fixture(scope="module")
def ill() -> Iterator[str]:
    """A target with a device that reports all that there is to report."""
    page = exposition(replace(ILL_DEVICE, **OTHER_NAMES), ILL, connected=False).encode()

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", CONTENT_TYPE)
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def scraped(ill: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scraped]:
    """A live agent, an ill one and one that is not there, scraped every second."""
    folder = tmp_path_factory.mktemp("prometheus")
    port = free_port()
    live = f"127.0.0.1:{port}"
    with (
        running_mosquitto(folder) as broker,
        running_prometheus(folder, [live, ill, f"127.0.0.1:{free_port()}"]) as prometheus,
        running_classroom(broker, folder, f"[metrics]\nport = {port}\n") as classroom,
    ):

        def reports() -> int:
            return len(set(prometheus.scraped("edge_agent_session_seconds", live).values()))

        wait_until(lambda: reports() >= 4, 90, "four reports in Prometheus")
        yield prometheus, classroom, live


def test_prometheus_has_the_figures_that_a_subscriber_saw(
    scraped: Scraped,
) -> None:
    prometheus, classroom, live = scraped
    sessions = prometheus.scraped("edge_agent_session_seconds", live)

    def reports() -> dict[float, dict[str, Any]]:
        return {report["mono_ms"] / 1000: report for report in classroom.said("health")}

    wait_until(lambda: set(sessions.values()) <= set(reports()), what="the same reports at the subscriber")
    seen = reports()

    def is_same(metric: str, field: Any) -> None:
        values = prometheus.scraped(metric, live)
        compared = {at: field(seen[sessions[at]]) for at in values if at in sessions}
        assert len(compared) >= 4
        assert {at: values[at] for at in compared} == compared, metric

    is_same("edge_agent_frame_rate_hertz", lambda report: report["fps"])
    is_same("edge_agent_frames_read_total", lambda report: report["frames_read"])
    is_same("edge_agent_frames_dropped_total", lambda report: report["frames_dropped"])
    is_same("edge_agent_outbox_pending_events", lambda report: report["outbox"]["pending"])
    is_same("edge_agent_outbox_kept_bytes", lambda report: report["outbox"]["kept_bytes"])
    is_same("edge_agent_muted", lambda report: report["muted"])
    birth = classroom.said("status")[0]
    ((info, _),) = prometheus.query(f'edge_agent_info{{instance="{live}"}}')
    assert (info["site"], info["device"], info["version"]) == ("north", "pi-3a", birth["version"])


def filled_in(query: str) -> str:
    """A query of the dashboard as Grafana sends it with all sites and devices chosen."""
    for name, value in (("site", ".*"), ("device", ".*"), ("__rate_interval", "1m"), ("__range", "5m")):
        query = query.replace(f"${name}", value)
    assert "$" not in query
    return query


@pytest.mark.parametrize(("title", "query"), QUERIES, ids=[f"{title}-{n}" for n, (title, _) in enumerate(QUERIES)])
def test_a_query_of_the_dashboard_gives_series(scraped: Scraped, title: str, query: str) -> None:
    prometheus = scraped[0]
    found = prometheus.query(filled_in(query))
    assert found, title
    if "group_left" in query and not re.match(r"count|sum", query):
        assert ("south", "pi-9") in {(labels["site"], labels["device"]) for labels, _ in found}
        chosen = filled_in(query.replace("$site", "south").replace("$device", "pi-9"))
        assert {labels["site"] for labels, _ in prometheus.query(chosen)} == {"south"}


def panel(prometheus: Prometheus, title: str) -> list[float]:
    (query,) = (query for name, query in QUERIES if name == title)
    return [value for _, value in prometheus.query(filled_in(query))]


def test_the_dashboard_counts_what_is_there(scraped: Scraped) -> None:
    prometheus, classroom, _ = scraped
    assert panel(prometheus, "Devices that answer") == [2]
    assert panel(prometheus, "Devices that do not answer") == [1]
    assert len(panel(prometheus, "Devices")) == 2
    if not any(report["problems"] for report in classroom.said("health")):
        assert panel(prometheus, "Problems") == [1]
    variables = [variable["query"]["query"] for variable in DASHBOARD["templating"]["list"][1:]]
    assert variables == ["label_values(edge_agent_info, site)", 'label_values(edge_agent_info{site=~"$site"}, device)']
    assert prometheus.ask("label/site/values", **{"match[]": "edge_agent_info"}) == ["north", "south"]


def test_the_alerts_wait_for_what_is_wrong(scraped: Scraped) -> None:
    prometheus = scraped[0]

    def alerts() -> set[tuple[str, str]]:
        found = prometheus.ask("alerts")["alerts"]
        return {(alert["labels"]["alertname"], alert["labels"].get("device", "")) for alert in found}

    wanted = {("EdgeAgentDown", ""), ("EdgeAgentProblem", "pi-9"), ("EdgeAgentWithoutBroker", "pi-9")}
    wait_until(lambda: wanted <= alerts(), what="the alerts")
    assert ("EdgeAgentWithoutBroker", "pi-3a") not in alerts()


def test_every_metric_of_the_agent_is_shown_or_left_out_on_purpose(
    scraped: Scraped,
) -> None:
    metrics = set(scraped[0].ask("label/__name__/values"))
    ours = {name for name in metrics if name.startswith("edge_agent_")}
    left_out = {
        "edge_agent_muted",  # the camera's state says it
        "edge_agent_throttled",  # a problem says it
        "edge_agent_outbox_storage",  # a problem says it
        "edge_agent_frames_undecodable_total",
        "edge_agent_clock_synced",
    }
    assert ours - set(re.findall(r"edge_agent_\w+", " ".join(query for _, query in QUERIES))) == left_out


def test_the_dashboard_says_what_was_not_run_and_fits_the_scrape_configuration() -> None:
    assert "Not run in Grafana" in (GRAFANA / "dashboards" / "classroom.json").read_text().splitlines()[0]
    for file in GRAFANA.rglob("*.yml"):
        assert file.read_text().startswith("# Not run in Grafana")
    assert TARGET in (PACK / "prometheus.yml").read_text()
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
