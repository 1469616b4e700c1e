"""The command ``edge-agent run``."""

from __future__ import annotations

from edge_agent import __version__
from edge_agent.cli.options import ConfigOption, RuntimeOption, VerboseOption, read_settings


def run(config: ConfigOption = None, runtime: RuntimeOption = None, verbose: VerboseOption = False) -> None:
    """Watch the camera and publish events until stopped."""
    import logging

    from edge_agent.system.allocator import limit_kept_memory

    limit_kept_memory()  # before the libraries below allocate and start threads

    from edge_agent.app import Agent
    from edge_agent.privacy.policy import permit
    from edge_agent.required_files import check_required_files
    from edge_agent.system.logs import set_up_logging
    from edge_agent.system.stop_signals import stop_on_signals

    set_up_logging(verbose=verbose)
    settings = read_settings(config, runtime)
    permit(settings.camera, settings.policy, str(config or ""))
    check_required_files(settings, str(config or ""))
    logging.getLogger("edge_agent").info("edge-agent %s", __version__)
    agent = Agent(settings)
    with stop_on_signals() as stop:
        agent.run(stop)
