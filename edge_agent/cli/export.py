"""The command ``edge-agent export``: it writes what the school's page has stored."""

from dashboard.cli import export

__all__ = ["export"]
