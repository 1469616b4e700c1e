"""The whole agent in a process of its own that remembers what it saw, so that it can be looked for elsewhere.

Run as ``python -m tests.privacy.watched_agent CONFIG SEEN LEAK``. At its end it writes the pixel runs of frames and
crops to ``SEEN``. Where ``LEAK`` is ``leak`` it breaks its promise, to show that this is found: crops go into a
message, a file and the log.
"""

from __future__ import annotations

import base64
import logging
import sys
from pathlib import Path

from edge_agent.app import Agent
from edge_agent.config_file import load_settings
from edge_agent.model_format.crop import crop_face
from edge_agent.pipeline import Observation
from edge_agent.system.logs import set_up_logging
from edge_agent.system.stop_signals import stop_on_signals
from edge_agent.types import Frame
from tests.privacy.image_search import pixel_runs

_FRAME_EVERY = 10


def main(config: Path, seen: Path, leak: str) -> None:
    """Watch, publish and remember until stopped."""
    set_up_logging(verbose=True)
    runs: set[bytes] = set()

    def remember(frame: Frame, observation: Observation) -> None:
        if frame.index % _FRAME_EVERY == 0:
            runs.update(pixel_runs(frame.image))
        for face, _ in observation.faces:
            crop = crop_face(frame.image, face.box.left, face.box.top, face.box.side)
            runs.update(pixel_runs(crop))
            text = base64.b64encode(crop.tobytes())
            if leak == "leak":
                agent.messenger.publish(agent.messenger.topics.of("health"), b'{"face":"' + text + b'"}')
                Path("face.bin").write_bytes(crop.tobytes())
                logging.getLogger("edge_agent").info("%s", text.decode())

    agent = Agent(load_settings(config), remember)
    with stop_on_signals() as stop:
        agent.run(stop)
    seen.write_bytes(b"".join(sorted(runs)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
