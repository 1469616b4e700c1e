"""Every word that ``health`` may carry in ``problems``, and what it means to a technician.

More words may come, so that receivers keep no fixed list. The texts are those of docs/troubleshooting.md and of the
school's page.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Problem(NamedTuple):
    """Why a problem is reported, and what to do about it."""

    cause: str
    remedy: str


PROBLEMS: Final = {
    "camera_stalled": Problem(
        "the camera is open but sends no frames", "check cable and power; plug the camera in again"
    ),
    "camera_dark": Problem("the picture has been black for 3 s", "check the lens cover and the light"),
    "camera_frozen": Problem("the picture has not changed by a single bit for 10 s", "plug the camera in again"),
    "camera_failed": Problem("the camera cannot be opened, or it disappeared", "check cable, power and settings"),
    "camera_ended": Problem(
        "a picture, folder or recording came to its end", "normal; restart the agent to play it again"
    ),
    "picture_turned": Problem(
        "faces are upside down or on their side; nothing is read", "set camera.rotate_deg to what the log says"
    ),
    "throttled": Problem("the processor is slowed down: heat or low voltage", "a heat sink or a better power supply"),
    "frame_rate_reduced": Problem(
        "the board is hot; fewer frames are processed", "a heat sink or a better power supply"
    ),
    "inference_failed": Problem("the model gave an error; faces are not classified", "read the log; use another model"),
    "led_failed": Problem("the camera light cannot be switched", "check led.name"),
    "mute_not_remembered": Problem(
        "the mute state cannot be written", "make room; check the rights of /var/lib/edge-agent"
    ),
    "outbox_degraded": Problem(
        "the disk is full or fails; events wait in memory", "make room on the disk; replace a bad SD card"
    ),
    "outbox_stalled": Problem("the disk does not answer", "replace the SD card; restart the device"),
    "outbox_set_aside": Problem(
        "the outbox file was damaged or replaced, or events in it were", "read the log; check the SD card"
    ),
    "events_lost": Problem("events could not be kept", "find out why the broker was away for so long"),
    "publish_denied": Problem("the broker's rules refuse a topic", "run sudo edge-agent fleet apply"),
    "device_id_in_use_twice": Problem("another device uses the same site and id", "give each device its own device.id"),
}
