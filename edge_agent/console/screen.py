"""A classroom on a terminal of any size: a line for each face, and no line that does not fit.

What does not fit is left out in this order: columns of a face, the latest events, faces, the explanation. The footer
always stays.
"""

from __future__ import annotations

from typing import Final

from rich.cells import cell_len
from rich.text import Text

from edge_agent.client import Device, DeviceState, Expression
from edge_agent.console.classroom_view import ClassroomView, DeviceView
from edge_agent.console.wording import (
    COLOURS,
    EXPLANATION,
    PRIVATE,
    change_in_words,
    class_title,
    count,
    plain,
    present,
    shares_in_words,
    speed,
)

_SIDE_BY_SIDE: Final = 120
"""From this width on the class stands beside the faces."""
_LARGEST_BAR: Final = 40
_MAX_EVENTS: Final = 6
_LEAST_FOR_EXPLANATION: Final = 16
_EXPRESSION_CELLS: Final = 9


def draw_screen(classroom: ClassroomView, width: int, height: int, footer: list[Text]) -> list[Text]:
    """The whole screen.

    Args:
        classroom: What is known.
        width: Columns of the terminal.
        height: Its lines.
        footer: Shown below everything else; lines that are too long are broken.

    Returns:
        At most ``height`` lines, none of them wider than ``width``.
    """
    below = _wrapped(footer, width)[-max(1, height // 2) :]
    explained = _wrapped([Text(EXPLANATION, "dim")], width) if height >= _LEAST_FOR_EXPLANATION else []
    if not any(not view.faces_are_private for view in classroom.devices.values()):
        explained = []
    below = [*explained, *below][-height:]
    body = _body(classroom, width, height - len(below))
    filler = [Text()] * max(0, height - len(below) - len(body))
    return [*body, *filler, *below]


def _body(classroom: ClassroomView, width: int, height: int) -> list[Text]:
    if not classroom.devices:
        return _cut([Text("waiting for a device ...")], width)[:height]
    devices = sorted(classroom.devices.items())
    lines: list[Text] = []
    for index, (device, view) in enumerate(devices):
        left, devices_left = height - len(lines), len(devices) - index
        if left < devices_left and left <= 1:
            lines += _cut([Text(f"… and {count(devices_left, 'more device')}", "dim")], width)
            break
        lines += _device(device, view, width, max(1, left // devices_left))
    return lines[: max(height, 0)]


def _device(device: Device, view: DeviceView, width: int, height: int) -> list[Text]:
    """One device in at most so many lines."""
    head = _cut([_title(device, view, width)], width)
    if height == 1:
        return head
    beside = width >= _SIDE_BY_SIDE
    faces_width = width * 3 // 5 if beside else width
    klass = _class_lines(view, width - faces_width - 2 if beside else width, one_line=not beside)
    speed_line = Text(speed(view), "dim")
    if beside:
        room = max(0, height - 2)
        right = [*klass, Text(), *_events(view, min(_MAX_EVENTS, room - len(klass) - 1))]
        rows = _beside(_faces(view, faces_width, room), right[:room], faces_width)
        return _cut([*head, *rows, speed_line], width)[:height]
    rest = height - 1
    faces = _faces(view, width, max(1, rest - len(klass) - 1))
    events = _events(view, min(_MAX_EVENTS, rest - len(faces) - len(klass) - 2))
    gap = [Text()] if events else []
    return _cut([*head, *faces, *klass, *gap, *events, speed_line], width)[:height]


def _title(device: Device, view: DeviceView, width: int) -> Text:
    colour = {DeviceState.ONLINE: "green", DeviceState.OFFLINE: "red"}.get(view.state, "yellow")
    name = f"{plain(device.site)}/{plain(device.id)}"
    said = present(view) if width >= cell_len(name) + 30 else ""
    return Text.assemble((f"{name} ", "bold"), (view.state.value, colour), f"  {said}" if said else "")


def _faces(view: DeviceView, width: int, height: int) -> list[Text]:
    """A line for each face, and one for those that have no room."""
    if height <= 0:
        return []
    if view.faces_are_private:
        return [Text(PRIVATE, "dim")]
    tracks = sorted(view.tracks.items())
    lines = [_face(track, message, width) for track, message in tracks]
    if len(lines) <= height:
        return lines
    return [*lines[: height - 1], Text(f"… and {count(len(lines) - height + 1, 'more face')}", "dim")]


def _face(track: str, message: Expression, width: int) -> Text:
    """A face: its id, expression, confidence as a bar and a number, and since when; less where there is less room."""
    colour = COLOURS.get(message.expression, "white")
    line = Text.assemble((f"{plain(track):5} ", "dim"), (f"{plain(message.expression):{_EXPRESSION_CELLS}}", colour))
    percent = f" {message.confidence:4.0%}"
    since = f"  since {plain(message.observed_at[11:19])}"
    bar = min(_LARGEST_BAR, width - cell_len(line.plain) - len(percent) - len(since) - 1)
    if bar >= 8:
        filled = round(message.confidence * bar)
        line.append(" ")
        line.append("█" * filled, colour)
        line.append("░" * (bar - filled), "bright_black")
    if width >= cell_len(line.plain) + len(percent):
        line.append(percent)
    if width >= cell_len(line.plain) + len(since):
        line.append(since, "dim")
    return line


def _class_lines(view: DeviceView, width: int, *, one_line: bool) -> list[Text]:
    """The class by the latest summary."""
    title = class_title(view.summary)
    shares = view.summary.shares if view.summary is not None else None
    if not shares:
        return [Text(title)]
    if one_line:
        return _wrapped([Text(f"{title}: {shares_in_words(shares)}")], width)[:3]
    bar = max(4, min(_LARGEST_BAR, width - _EXPRESSION_CELLS - 7))
    lines = [Text(title)]
    for name, share in sorted(shares.items(), key=lambda item: -item[1]):
        colour = COLOURS.get(name, "white")
        filled = max(1, round(share * bar))
        lines.append(
            Text.assemble((f"{plain(name):{_EXPRESSION_CELLS}} ", colour), ("█" * filled, colour), f" {share:.0%}")
        )
    return lines


def _events(view: DeviceView, room: int) -> list[Text]:
    """The latest events under their number, in so many lines."""
    if room < 2 or view.faces_are_private:
        return []
    lines = [Text(count(view.events, "event"))]
    for message in list(view.recent)[: room - 1]:
        said = Text(change_in_words(message), COLOURS.get(message.expression, "white"))
        when = (f"{plain(message.observed_at[11:19])} ", "dim")
        lines.append(Text.assemble(when, f"{message.kind:6} {plain(message.track):5} ", said))
    return lines


def _beside(left: list[Text], right: list[Text], left_width: int) -> list[Text]:
    rows = []
    for index in range(max(len(left), len(right))):
        row = left[index].copy() if index < len(left) else Text()
        row.truncate(left_width, overflow="ellipsis", pad=True)
        if index < len(right):
            row.append("  ")
            row.append_text(right[index])
        rows.append(row)
    return rows


def _cut(lines: list[Text], width: int) -> list[Text]:
    for line in lines:
        line.truncate(width, overflow="ellipsis")
    return lines


def _wrapped(lines: list[Text], width: int) -> list[Text]:
    """Lines broken between words where they are too long; a word that is wider than the terminal is broken, too."""
    broken: list[Text] = []
    for line in lines:
        words: list[str] = []
        row = ""
        for word in line.plain.split(" "):
            candidate = f"{row} {word}" if row else word
            if row and cell_len(candidate) > width:
                words.append(row)
                candidate = word
            row = candidate
        words.append(row)
        pieces = [text[at : at + width] for text in words for at in range(0, max(1, len(text)), max(1, width))]
        broken += _cut([Text(text, line.style) for text in pieces], width)
    return broken
