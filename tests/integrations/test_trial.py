"""The files for a trial: what the containers get is of the pack, and the programs run with it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integrations.node_red import flow_for, running_node_red
from tests.integrations.prometheus import ARGUMENTS, TARGET, running_prometheus
from tests.support.broker import Subscriber, free_port, mosquitto_path, wait_until

PACK = Path(__file__).parents[2] / "integrations"
TRIAL = PACK / "trial"
COMPOSE: dict[str, Any] = yaml.safe_load((TRIAL / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


def test_docker_compose_reads_the_file() -> None:
    program = shutil.which("docker-compose")
    if program is None:
        pytest.skip("docker-compose is not installed (Debian: apt install docker-compose)")
    command = [program, "--file", str(TRIAL / "compose.yaml"), "config"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert set(yaml.safe_load(done.stdout)["services"]) == set(SERVICES)


def mounts() -> list[tuple[str, str, str]]:
    """Service, what it gets, and where."""
    found = []
    for name, service in SERVICES.items():
        for volume in service["volumes"]:
            source, target = volume.removesuffix(":ro").split(":")
            found.append((name, source, target))
            assert volume.endswith(":ro") == source.startswith("."), f"{volume}: only the pack's files are read-only"
    return found


@pytest.mark.parametrize(("service", "source", "target"), mounts())
def test_what_a_container_gets_is_there(service: str, source: str, target: str) -> None:
    if source.startswith("."):
        path = (TRIAL / source).resolve()
        assert path.exists(), service
        assert PACK in path.parents
        assert bool(path.suffix) == bool(Path(target).suffix), "a file goes to a file, a folder to a folder"
    else:
        assert source in COMPOSE["volumes"], service


def test_every_program_is_reached_from_this_machine_alone() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert {port.rpartition(":")[0].rpartition(":")[0] for port in published} == {"127.0.0.1"}
    networks = {name: service.get("network_mode", "") for name, service in SERVICES.items()}
    shared = "service:broker"
    assert networks == {
        "broker": "",
        "home-assistant": shared,
        "node-red": shared,
        "prometheus": "host",
        "grafana": "host",
    }
    assert SERVICES["prometheus"]["command"] == list(ARGUMENTS)
    assert SERVICES["grafana"]["environment"]["GF_SERVER_HTTP_ADDR"] == "127.0.0.1"


def test_grafana_finds_what_its_container_gets() -> None:
    (provider,) = yaml.safe_load((PACK / "grafana/provisioning/dashboards/classroom.yml").read_text())["providers"]
    assert provider["options"]["path"] in {target for _, _, target in mounts()}
    (source,) = yaml.safe_load((PACK / "grafana/provisioning/datasources/prometheus.yml").read_text())["datasources"]
    assert source["url"].removeprefix("http://") in ARGUMENTS[-1]


def test_the_programs_show_what_a_subscriber_saw(tmp_path: Path) -> None:
    broker = mosquitto_path()
    if broker is None:
        pytest.skip("Mosquitto is not installed (Debian: apt install mosquitto)")
    port, metrics = free_port(), free_port()
    settings = (TRIAL / "mosquitto.conf").read_text().replace("listener 1883", f"listener {port} 127.0.0.1")
    (tmp_path / "mosquitto.conf").write_text(settings)
    agent = (TRIAL / "agent.toml").read_text().replace('host = "127.0.0.1"', f'host = "127.0.0.1"\nport = {port}')
    assert f"port = {TARGET.rsplit(':', 1)[1]}" in agent
    (tmp_path / "agent.toml").write_text(agent.replace("port = 9105", f"port = {metrics}"))
    folders = [tmp_path / "node-red", tmp_path / "prometheus"]
    for folder in folders:
        folder.mkdir()
    commands = [
        [broker, "-c", str(tmp_path / "mosquitto.conf")],
        [sys.executable, "-m", "edge_agent.cli", "run", "--config", str(tmp_path / "agent.toml")],
    ]
    with running_node_red(folders[0]) as node_red, running_prometheus(folders[1], [f"127.0.0.1:{metrics}"]) as scraping:
        with (tmp_path / "printed.log").open("wb") as out:
            running = [subprocess.Popen(command, stdout=out, stderr=out) for command in commands]
        try:
            node_red.load(flow_for(port))
            with Subscriber(port) as subscriber:

                def said(name: str) -> list[Any]:
                    return [json.loads(message.payload) for message in subscriber.on(name)]

                wait_until(lambda: node_red.device("school/edge-1").get("summary"), 90, "figures in Node-RED")
                shown = node_red.device("school/edge-1")
                assert shown["room"] == "2b"
                wait_until(lambda: shown["summary"] in said("summary"), what="the same figures at the subscriber")

                target = f"127.0.0.1:{metrics}"
                wait_until(lambda: scraping.scraped("edge_agent_frames_read_total", target), 90, "a scrape")
                read = set(scraping.scraped("edge_agent_frames_read_total", target).values())
                wait_until(
                    lambda: read <= {report["frames_read"] for report in said("health")}, what="the same reports"
                )
        finally:
            for process in reversed(running):
                process.terminate()
                process.wait(60)
