"""The command ``edge-agent record``: it records for the school's page, without a page."""

from dashboard.cli import record

__all__ = ["record"]
