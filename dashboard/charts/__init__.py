"""Charts, drawn on the server as SVG that a strict Content-Security-Policy allows, each with a table of its data."""

from dashboard.charts.happenings import Happening
from dashboard.charts.lesson import Chart, lesson_chart

__all__ = ["Chart", "Happening", "lesson_chart"]
