"""The whole agent as a process of its own, with a ledger of what it accepted.

Run as ``python -m qa.faults.agent CONFIG LEDGER CLOCK RATE SEED``, of which the last three mean nothing here. From
SIGUSR1 on nothing more is noted; SIGTERM ends the agent in good order.
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
from qa.faults.ledger import QUIET, READY, Ledger


def main() -> None:
    """Watch and publish until told to stop."""
    config, file = map(Path, sys.argv[1:3])
    quiet = threading.Event()
    signal.signal(signal.SIGUSR1, lambda *_: quiet.set())
    set_up_logging()
    agent = Agent(load_settings(config))
    ledger = Ledger(agent.messenger, file)
    ledger.say(READY)

    def keep() -> None:
        while not quiet.wait(0.02):
            ledger.note()
        ledger.say(QUIET)

    threading.Thread(target=keep, daemon=True).start()
    with stop_on_signals() as stop:
        agent.run(stop)


if __name__ == "__main__":
    run_app(main)
