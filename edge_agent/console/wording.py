"""What the views in a terminal say of a classroom: the same words on a screen and in lines."""

from __future__ import annotations

from typing import Final

from edge_agent.client import Expression, Summary
from edge_agent.console.classroom_view import DeviceView
from edge_agent.model_format.labels import UNCERTAIN

COLOURS: Final = {
    "angry": "red",
    "disgust": "green",
    "fear": "magenta",
    "happy": "yellow",
    "sad": "blue",
    "surprise": "cyan",
    "neutral": "white",
    "contempt": "bright_red",
    UNCERTAIN: "bright_black",
}

EXPLANATION: Final = (
    f"A face's id is random and means nothing after this session. '{UNCERTAIN}': the device does not want to decide."
)
PRIVATE: Final = "single faces are not published (privacy level summary)"

_LONGEST = 64
_LARGEST: Final = 1e15
"""Larger numbers are written with an exponent: no device has so much of anything, and digits would fill the screen."""


def plain(text: str, longest: int = _LONGEST) -> str:
    """Text from the network as one line of a terminal: whoever may publish must not be able to steer it."""
    shown = "".join(char if char.isprintable() else "?" for char in text)
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def number_in_words(number: float, digits: int = 0) -> str:
    """A number from the network with so many decimals; short, however large it is."""
    return f"{number:.{digits}f}" if abs(number) < _LARGEST else f"{min(max(number, -1e308), 1e308):.0e}"


def count(number: int, noun: str) -> str:
    """A number of things."""
    return f"{number_in_words(number)} {noun}" if number == 1 else f"{number_in_words(number)} {noun}s"


def present(view: DeviceView) -> str:
    """How many faces there are."""
    if not view.faces_are_private:
        return f"{count(len(view.tracks), 'face')} present"
    summary = view.summary
    if summary is None or summary.faces is None:
        return f"faces: {without_figures(summary)}"
    return f"{_faces(summary)} present"


def without_figures(summary: Summary | None) -> str:
    """Why a summary has no figures."""
    if summary is None:
        return "no summary yet"
    if summary.muted is True:
        return "the camera is closed"
    if summary.approximate is True:
        return "suppressed: too few faces, or too soon"
    return "suppressed: too few faces"


def class_title(summary: Summary | None) -> str:
    """What the shares of a summary are about."""
    if summary is None or summary.shares is None:
        return f"the class ({without_figures(summary)})"
    if summary.approximate is True:
        return f"the class: {_faces(summary)} in the last minutes"
    return f"the class: {_faces(summary)} over {summary.window_s:g} s"


def shares_in_words(shares: dict[str, float]) -> str:
    """Shares by expression, the largest first."""
    largest_first = sorted(shares.items(), key=lambda item: -item[1])
    return ", ".join(f"{plain(name)} {share:.0%}" for name, share in largest_first)


def change_in_words(message: Expression) -> str:
    """What an expression event says about the expression."""
    if message.kind == "change" and message.previous is not None:
        return f"{plain(message.previous)} → {plain(message.expression)}"
    return plain(message.expression)


def speed(view: DeviceView) -> str:
    """How the device is doing, in a line."""
    health = view.health
    if health is None:
        return "no health report yet"
    words = [f"{number_in_words(health.fps, 1)} fps", f"camera {plain(health.camera.state)}"]
    latency = health.latency_ms.get("total")
    if latency is not None:
        words.insert(1, f"latency {number_in_words(latency.p50)} ms (p95 {number_in_words(latency.p95)})")
    if health.problems:
        words.append("problems: " + ", ".join(map(plain, health.problems)))
    return " · ".join(words)


def _faces(summary: Summary) -> str:
    faces = count(summary.faces or 0, "face")
    return f"about {faces}" if summary.approximate is True else faces
