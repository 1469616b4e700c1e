"""Prints what Home Assistant wants installed for the trial's configuration and for its MQTT integration.

Run by the Python in which Home Assistant is installed.
"""

import json
import sys
from pathlib import Path

import homeassistant.components

COMPONENTS = Path(homeassistant.components.__path__[0])
CONFIGURED = ("automation", "config", "frontend", "history", "logbook", "mqtt", "schedule")


def main() -> None:
    """One requirement a line."""
    platforms = [file.stem for file in (COMPONENTS / "mqtt").glob("*.py") if (COMPONENTS / file.stem).is_dir()]
    waiting, seen, wanted = [*CONFIGURED, *platforms, "hassio"], set(), set()
    while waiting:
        domain = waiting.pop()
        if domain not in seen:
            seen.add(domain)
            manifest = json.loads((COMPONENTS / domain / "manifest.json").read_text())
            wanted.update(manifest.get("requirements", []))
            waiting += manifest.get("dependencies", [])
    sys.stdout.write("\n".join(sorted(wanted)) + "\n")


main()
