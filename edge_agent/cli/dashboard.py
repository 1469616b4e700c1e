"""The command ``edge-agent dashboard``: the school's page, which is a package of its own."""

from dashboard.cli import dashboard

__all__ = ["dashboard"]
