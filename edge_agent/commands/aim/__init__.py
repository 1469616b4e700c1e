"""Aiming a camera without seeing its picture: where faces are, how large, and what to do about the rest."""

from edge_agent.commands.aim.session import AimReport, look_once, watch_aim
from edge_agent.commands.aim.view import aim_line, aim_view

__all__ = ["AimReport", "aim_line", "aim_view", "look_once", "watch_aim"]
