"""The whole agent as a process of its own, with a log of what it accepted.

Run as ``python -m qa.faults.agent CONFIG ACCEPTED CLOCK RATE SEED``; the last three are ignored here. After SIGUSR1
nothing more is logged. SIGTERM ends the agent in good order.
"""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path

from edge_agent.app import Agent
from edge_agent.command_line import run_app
from edge_agent.config_file import load_settings
from edge_agent.system.logs import set_up_logging
from edge_agent.system.stop_signals import stop_on_signals
from qa.faults.accepted_log import QUIET, READY, AcceptedLog


def main() -> None:
    """Watch and publish until a signal says stop."""
    config, file = map(Path, sys.argv[1:3])
    quiet = threading.Event()
    signal.signal(signal.SIGUSR1, lambda *_: quiet.set())
    set_up_logging()
    agent = Agent(load_settings(config))
    accepted_log = AcceptedLog(agent.messenger, file)
    accepted_log.write_word(READY)

    def log_accepted() -> None:
        while not quiet.wait(0.02):
            accepted_log.update()
        accepted_log.write_word(QUIET)

    threading.Thread(target=log_accepted, daemon=True).start()
    with stop_on_signals() as stop:
        agent.run(stop)


if __name__ == "__main__":
    run_app(main)
