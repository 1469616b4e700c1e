"""Every byte a running agent publishes and every file it writes is searched for pictures, crops and embeddings.

``WATCH_S`` makes the run longer than its eight seconds of seeing faces.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.privacy.image_search import RUN, ImageSearch
from tests.support.broker import Subscriber, running_mosquitto, wait_until
from tests.support.proxy import Proxy

WATCH_S = float(os.environ.get("WATCH_S", "8"))
OWN = "classroom/v1/north/pi-3a/"
COMMANDS = ("ping", "snapshot")


@dataclass
class Traces:
    """What a run left behind.

    Attributes:
        search: Knows what the agent saw.
        sent: Every byte that went to the broker.
        files: What the agent wrote, by name.
        elsewhere: Files outside its folders that it had open for writing.
        events: How many events it published.
    """

    search: ImageSearch
    sent: bytes
    files: dict[str, bytes]
    elsewhere: set[str]
    events: int

    def findings(self) -> dict[str, list[str]]:
        """What was found, by place."""
        searched = {"the wire": self.search.findings(self.sent)}
        searched |= {name: self.search.findings(data) for name, data in self.files.items()}
        return {place: found for place, found in searched.items() if found}


def run(folder: Path, leak: str, watch_s: float) -> Traces:
    """Run the agent with every folder it might write to inside ``folder / "home"``."""
    home, seen, config = folder / "home", folder / "seen.bin", folder / "agent.toml"
    home.mkdir()
    environment = {**os.environ, "HOME": str(home), "TMPDIR": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
    environment |= {f"XDG_{kind}_HOME": str(home / kind.lower()) for kind in ("STATE", "CACHE", "DATA", "CONFIG")}
    environment["PYTHONPATH"] = str(Path(__file__).parents[2])
    with running_mosquitto(folder) as broker, Proxy(broker.port, recording=True) as line:
        config.write_text(
            f'[device]\nsite = "north"\nid = "pi-3a"\n[detector]\nkind = "haar"\n'
            f'[camera]\nsource = "simulated"\nfaces = 6\nwidth_px = 640\nheight_px = 480\n'
            f'[privacy]\nlevel = "faces"\nmin_group = 1\nboxes = true\n[summary]\nwindow_s = 1\n'
            f'[mqtt]\nhost = "127.0.0.1"\nport = {line.port}\nhealth_every_s = 1\n'
            f'[outbox]\npath = "{home / "outbox.db"}"\n'
        )
        with Subscriber(broker.port) as subscriber, (home / "log.txt").open("wb") as log:
            command = [sys.executable, "-m", "tests.privacy.watched_agent", str(config), str(seen), leak]
            process = subprocess.Popen(command, stdout=log, stderr=log, cwd=home, env=environment)
            try:
                wait_until(lambda: subscriber.on("expression") or process.poll() is not None, 90, "an event")
                elsewhere: set[str] = set()
                until = time.monotonic() + watch_s
                while time.monotonic() < until:
                    elsewhere |= _written_elsewhere(process.pid, folder)
                    for name in COMMANDS:
                        subscriber.publish(OWN + "command", json.dumps({"v": 1, "id": "a", "command": name}).encode())
                    time.sleep(0.1)
            finally:
                process.terminate()
                assert process.wait(60) == 0, (home / "log.txt").read_text()
            events = len(subscriber.on("expression"))
    runs = seen.read_bytes()
    files = {str(path.relative_to(home)): path.read_bytes() for path in home.rglob("*") if path.is_file()}
    return Traces(
        ImageSearch(runs[at : at + RUN] for at in range(0, len(runs), RUN)),
        bytes(line.sent),
        files,
        elsewhere,
        events,
    )


def _written_elsewhere(pid: int, folder: Path) -> set[str]:
    """Files outside the folder that a process has open for writing at this moment."""
    found = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):  # closed meanwhile
            info = Path(f"/proc/{pid}/fdinfo/{link.name}").read_text().splitlines()
            flags = int(next(line for line in info if line.startswith("flags")).split()[1], 8)
            target = str(link.readlink())
            writable = flags & os.O_ACCMODE != os.O_RDONLY and stat.S_ISREG(link.stat().st_mode)
            if writable and not target.startswith(str(folder)):
                found.add(target)
    return found


def test_no_picture_crop_or_embedding_leaves_the_process(tmp_path: Path) -> None:
    traces = run(tmp_path, "none", WATCH_S)
    assert traces.events > 0
    assert len(traces.sent) > 5000
    assert "outbox.db" in traces.files
    assert traces.findings() == {}
    assert traces.elsewhere == set()


def test_leaks_are_found(tmp_path: Path) -> None:
    assert set(run(tmp_path, "leak", 0.5).findings()) == {"the wire", "face.bin", "log.txt"}
