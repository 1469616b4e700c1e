"""Makes the pictures of the page in the documents: ``python -m qa.screenshots``. The school in them is made up.

It needs Debian's Chromium. Each picture is a PNG in docs/screenshots.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from dashboard.history import open_history
from dashboard.settings import DashboardSettings, PageSettings
from tests.dashboard.example_lesson import store_lessons
from tests.dashboard.example_school import FACES, example_school
from tests.support.chromium import running_chromium
from tests.support.page import running_page

FOLDER = Path(__file__).parents[1] / "docs" / "screenshots"
ROOM = f"/room/{FACES.site}/{FACES.id}"
PICTURES = (
    ("school", "/", 1280, 720, "light"),
    ("school-phone", "/", 360, 720, "dark"),
    ("room", ROOM, 1280, 1050, "light"),
    ("report", f"{ROOM}/report", 1280, 1400, "light"),
    ("devices", "/devices", 1280, 680, "light"),
)
"""Name, address, width and height in pixels, and appearance."""
_SETTLED_MS = 1500


def main(wanted: Sequence[str]) -> None:
    """Make the pictures with these names; all without any."""
    FOLDER.mkdir(exist_ok=True)
    settings = DashboardSettings(page=PageSettings(school="North School", time_zone="Europe/Zurich"))
    with tempfile.TemporaryDirectory() as folder:
        history = open_history(str(Path(folder) / "history.db"))
        store_lessons(history, time.time())
        with running_page(example_school(), settings, history=history) as page, running_chromium() as browser:
            for name, path, width, height, scheme in PICTURES:
                if wanted and name not in wanted:
                    continue
                size = {"width": width, "height": height}
                context = browser.new_context(viewport=size, color_scheme=scheme, locale="en-GB")  # type: ignore[arg-type]
                tab = context.new_page()
                tab.goto(page.address + path)
                tab.wait_for_timeout(_SETTLED_MS)
                tab.screenshot(path=FOLDER / f"{name}.png")
                context.close()
                sys.stdout.write(f"{FOLDER / name}.png\n")
        history.close()


if __name__ == "__main__":
    main(sys.argv[1:])
