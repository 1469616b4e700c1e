"""A real Prometheus with the scrape configuration of the pack."""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.broker import free_port, wait_until

PACK = Path(__file__).parents[2] / "integrations" / "prometheus"
TARGET = "127.0.0.1:9105"
ARGUMENTS = (
    "--config.file=/etc/prometheus/prometheus.yml",
    "--storage.tsdb.path=/prometheus",
    "--web.listen-address=127.0.0.1:9090",
)
"""With which the trial starts it."""


@dataclass(frozen=True)
class Prometheus:
    """A running Prometheus.

    Attributes:
        url: Where it is.
    """

    url: str

    def ask(self, path: str, **parameters: str) -> Any:
        """The data of an answer of its programming interface."""
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}", timeout=60) as it:
            said = json.loads(it.read())
        assert said["status"] == "success", said
        return said["data"]

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """Labels and value of every series now."""
        return [(found["metric"], float(found["value"][1])) for found in self.ask("query", query=expression)["result"]]

    def scraped(self, metric: str, instance: str) -> dict[float, float]:
        """Every sample of a metric without labels of its own, by the time of its scrape."""
        found = self.ask("query", query=f'{metric}{{instance="{instance}"}}[10m]')["result"]
        return {float(at): float(value) for series in found for at, value in series["values"]}


@contextmanager
def running_prometheus(folder: Path, targets: Sequence[str]) -> Iterator[Prometheus]:
    """Start it with the pack's files, in which other targets stand and every second is scraped."""
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("Prometheus is not installed (Debian: apt install prometheus)")
    for file in PACK.glob("*.yml"):
        text = file.read_text(encoding="utf-8").replace("_interval: 15s", "_interval: 1s")
        text = text.replace(f"- {TARGET}\n", "\n          ".join(f"- {target}" for target in targets) + "\n")
        (folder / file.name).write_text(text, encoding="utf-8")
    port = free_port()
    places = {"/etc/prometheus/": f"{folder}/", "=/prometheus": f"={folder}/data", ":9090": f":{port}"}
    command = [program, *ARGUMENTS]
    for given, here in places.items():
        command = [argument.replace(given, here) for argument in command]
    running = Prometheus(f"http://127.0.0.1:{port}")
    with (folder / "prometheus.log").open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out)

    def answers() -> bool:
        assert process.poll() is None, (folder / "prometheus.log").read_text()
        try:
            running.ask("status/buildinfo")
        except OSError:
            return False
        return True

    try:
        wait_until(answers, 60, "Prometheus")
        yield running
    finally:
        process.terminate()
        process.wait(60)
