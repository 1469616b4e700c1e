"""The whole way on one machine, nothing else needed: embedded broker, simulated classroom, agent and live view."""

from edge_agent.demo.session import DemoReport, DemoSettings, run_demo

__all__ = ["DemoReport", "DemoSettings", "run_demo"]
